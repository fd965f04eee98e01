import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { canonicalJson, type Json } from '@sgp/shared/canonical-json';
import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';

export type OutboxEntry = {
  readonly stream: StreamName;
  readonly entityId: string;
  /** 1, 2, 3 … per entity. */
  readonly version: number;
  /** The version that this one was made from; 0 for the first. */
  readonly parentVersion: number;
  readonly updatedAt: Hlc;
  /** A JSON object: the whole snapshot of the entity at this version. */
  readonly payload: Json;
};

export type OutboxStore = {
  /**
   * Writes a change that must reach the cloud (DESIGN §4).
   * @param tx the transaction of the business row and the audit entry: all three are committed together or not at all
   * @returns `seq`, gapless in the order of the commits
   */
  append(tx: Database, entry: OutboxEntry): Promise<{ readonly seq: number }>;
};

/** The writing side of the outbox. It holds nothing: `now` is the wall clock in milliseconds. */
export function createOutboxStore(now: () => number = Date.now): OutboxStore {
  return {
    async append(tx, entry) {
      // Locks the counter until the commit, so that numbers become visible in their order: a sender that sees 8 will
      // never meet 7 later.
      const [head] = await tx('outbox_head')
        .where({ id: 1 })
        .update({ last_seq: tx.raw('last_seq + 1') })
        .returning('last_seq');
      const seq: number = head.last_seq;
      const payload = canonicalJson(entry.payload);
      await tx('outbox').insert({
        seq,
        id: newId(),
        stream: entry.stream,
        entity_id: entry.entityId,
        version: entry.version,
        parent_version: entry.parentVersion,
        updated_at: entry.updatedAt,
        op: 'upsert',
        payload,
        hash: sha256Hex(payload),
        created_at: now(),
      });
      return { seq };
    },
  };
}
