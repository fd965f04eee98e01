import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { currentRequestId } from '@sgp/service-kit/request-context';
import { canonicalJson, type Json } from '@sgp/shared/canonical-json';
import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import { laneOf } from '@sgp/sync-engine/lanes';
import { moveHead, takeSeqs } from './outbox-head.ts';
import { noteSaid } from './said-entities.ts';
import { noteCommitted } from './trail.ts';

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
   * @returns `seq`, gapless in the order of the commits; null for a change of lane 3 that a nearly full disk refused
   */
  append<Stream extends StreamName>(
    tx: Database,
    entry: OutboxEntry & { readonly stream: Stream },
  ): Promise<{ readonly seq: Stream extends 'rollups' ? number | null : number }>;
};

/** The writing side of the outbox. It holds nothing: `now` is the wall clock in milliseconds. */
export function createOutboxStore(now: () => number = Date.now): OutboxStore {
  return {
    async append(tx, { stream, entityId, version, parentVersion, updatedAt, payload: json }) {
      const lane = laneOf(stream);
      const seq = await takeSeqs(tx, lane, 1);
      if (seq === null) {
        await moveHead(tx, { shed: 1 });
        return { seq: null as never };
      }
      const at = now();
      const payload = canonicalJson(json);
      const hash = sha256Hex(payload);
      const requestId = currentRequestId() ?? null;
      const { lineage } = await noteSaid(tx, { stream, entityId, version, updatedAt, hash, doc: payload });
      await tx('outbox').insert({
        ...{ seq, id: newId(), stream, lane, entity_id: entityId, version, parent_version: parentVersion },
        ...{ updated_at: updatedAt, op: 'upsert', payload, hash, created_at: at, request_id: requestId, lineage },
      });
      if (stream === 'orders') await noteCommitted(tx, { entityId, version, requestId, at });
      return { seq };
    },
  };
}
