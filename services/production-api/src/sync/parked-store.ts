import type { Database } from '@sgp/service-kit/database';
import type { ErrorCode } from '@sgp/shared/errors';

/** Changes that the Core refused and that wait for a person (docs/sync-protocol.md, poison). */
export type ParkedStore = {
  /** Puts one back into the queue. False: it is not parked. */
  retry(seq: number): Promise<boolean>;
  /** Puts back all that were parked for this reason; the number of them. */
  retryAll(code: ErrorCode): Promise<number>;
  /** The whole change as it would travel, with the reason; null: it is not parked. */
  find(seq: number): Promise<object | null>;
};

export function createParkedStore(db: Database): ParkedStore {
  const release = (where: Readonly<Record<string, unknown>>): Promise<number> =>
    db.transaction(async (tx) => {
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
    });
  return {
    retry: async (seq) => (await release({ seq })) > 0,
    retryAll: (code) => release({ parked_code: code }),
    async find(seq) {
      const row = await db('outbox').where({ seq }).whereNotNull('parked_at').first();
      return row ? { ...row, payload: JSON.parse(row.payload) } : null;
    },
  };
}
