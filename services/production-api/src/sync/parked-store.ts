import type { Database } from '@sgp/service-kit/database';
import type { ErrorCode } from '@sgp/shared/errors';
import type { Actor, AuditStore } from '../audit/audit-store.ts';

/** Changes that the Core refused and that wait for a person (docs/sync-protocol.md, poison). */
export type ParkedStore = {
  /** Puts one back into the queue, and writes down who did. False: it is not parked. */
  retry(seq: number, actor: Actor): Promise<boolean>;
  /** Puts back all that were parked for this reason; the number of them. */
  retryAll(code: ErrorCode): Promise<number>;
  /** The whole change as it would travel, with the reason; null: it is not parked. */
  find(seq: number): Promise<object | null>;
};

export function createParkedStore({
  db,
  audit,
}: {
  readonly db: Database;
  readonly audit: Pick<AuditStore, 'append'>;
}): ParkedStore {
  return {
    retry: (seq, actor) =>
      db.transaction(async (tx) => {
        const parked = await tx('outbox').where({ seq }).whereNotNull('parked_at').first();
        if (!parked || (await release(tx, { seq })) === 0) return false;
        const { id, stream, entity_id, version, parked_code } = parked;
        await audit.append(tx, {
          ...{ at: Date.now(), actor, entity: 'sync', entityId: id, action: 'retried' },
          summary: { direction: 'up', stream, entityId: entity_id, version, code: parked_code },
          ...{ before: { parked: true }, after: { parked: false } },
        });
        return true;
      }),
    retryAll: (code) => db.transaction((tx) => release(tx, { parked_code: code })),
    async find(seq) {
      const row = await db('outbox').where({ seq }).whereNotNull('parked_at').first();
      return row ? { ...row, payload: JSON.parse(row.payload) } : null;
    },
  };
}

/** @returns how many are open again */
async function release(tx: Database, where: Readonly<Record<string, unknown>>): Promise<number> {
  const rows = await tx('outbox')
    .where(where)
    .whereNotNull('parked_at')
    .update({ parked_code: null, parked_detail: null, parked_at: null, attempts: 0 })
    .returning('lane');
  for (const { lane } of rows)
    await tx('outbox_head')
      .where({ id: 1 })
      .decrement('parked', 1)
      .increment(`open_lane${Number(lane)}`, 1);
  return rows.length;
}
