import type { Database } from '@sgp/service-kit/database';
import type { Purger } from '../housekeeping.ts';
import { mirrorLimits } from '../mirror-limits.ts';

type Batch = { readonly received_at: number; readonly batch_id: string };

const start: Batch = { received_at: 0, batch_id: '' };

/**
 * Deletes old pushes, bodies and all, that no order's present version came with. Each purge looks at the next
 * `stepMaxRows` of them, oldest first, and starts over after the last: those that must stay are many, and looking at all
 * of them each time would be felt. A push never becomes current again, so what is deleted cannot be missed later.
 */
export function createEvidenceRetention(db: Database, stepMaxRows: number = mirrorLimits.evidenceStepMaxRows): Purger {
  let last = start;
  return {
    async purge(nowMs) {
      const batches: readonly Batch[] = await db('push_batches')
        .whereRaw('(received_at, batch_id) > (?, ?)', [last.received_at, last.batch_id])
        .where('received_at', '<', nowMs - mirrorLimits.evidenceKeptDays * 24 * 60 * 60_000)
        .orderBy(['received_at', 'batch_id'])
        .limit(stepMaxRows)
        .select('received_at', 'batch_id');
      const ids = batches.map((batch) => batch.batch_id);
      await db('push_batches')
        .whereIn('batch_id', ids)
        .whereRaw('not exists (select 1 from orders where orders.batch_id = push_batches.batch_id)')
        .delete();
      last = batches.length < stepMaxRows ? start : (batches.at(-1) ?? start);
    },
  };
}
