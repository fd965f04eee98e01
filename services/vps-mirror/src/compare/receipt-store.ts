import type { Database } from '@sgp/service-kit/database';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import type { Purger } from '../housekeeping.ts';
import { mirrorLimits } from '../mirror-limits.ts';

/** The last receipt of each day and node, as it was signed. */
export type ReceiptStore = Purger & {
  save(
    node: Pick<NodeRecord, 'companyId' | 'establishmentId' | 'nodeId'>,
    receipt: string,
    nowMs: number,
  ): Promise<void>;
};

export function createReceiptStore(db: Database): ReceiptStore {
  return {
    async save({ companyId, establishmentId, nodeId }, receipt, nowMs) {
      await db('sync_receipts')
        .insert({
          company_id: companyId,
          establishment_id: establishmentId,
          node_id: nodeId,
          day: new Date(nowMs).toISOString().slice(0, 10),
          at: nowMs,
          receipt,
        })
        .onConflict(['company_id', 'establishment_id', 'node_id', 'day'])
        .merge(['at', 'receipt']);
    },
    async purge(nowMs) {
      await db('sync_receipts')
        .where('at', '<', nowMs - mirrorLimits.receiptsKeptDays * 24 * 60 * 60_000)
        .delete();
    },
  };
}
