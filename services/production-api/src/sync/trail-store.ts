import type { Database } from '@sgp/service-kit/database';
import type { Trail } from '@sgp/shared/api/sync';
import { limits } from '@sgp/shared/limits';

/** The hops of each recent version, as the outbox and the bridge noted them in `sync_trail`. */
export type TrailStore = { ofOrder(orderId: string): Promise<Trail['versions']> };

export function createTrailStore(db: Database): TrailStore {
  return {
    async ofOrder(orderId) {
      const rows = await db('sync_trail')
        .where({ stream: 'orders', entity_id: orderId })
        .orderBy('version', 'desc')
        .limit(limits.pageMaxRows);
      return rows.map((row) => ({
        version: row.version,
        requestId: row.request_id,
        committedAt: row.committed_at,
        sentAt: row.sent_at,
        appliedAt: row.applied_at,
        ackedAt: row.acked_at,
        shownAt: row.shown_at,
      }));
    },
  };
}
