import type { Database } from '@sgp/service-kit/database';
import type { StreamName } from '@sgp/shared/sync';
import type { Purger } from '../housekeeping.ts';
import { mirrorLimits } from '../mirror-limits.ts';

/** Streams whose entries only tell of the past, and how long their text is kept. */
const keptDays = {
  audit: mirrorLimits.auditTextKeptDays,
  rollups: mirrorLimits.rollupTextKeptDays,
} as const satisfies Partial<Record<StreamName, number>>;

/**
 * Drops the text of old audit entries and roll-ups, the oldest first, a part in each sweep. The row stays with version and
 * digest: the edge has the entry too, and a comparison that missed it here would have it sent again, for ever.
 */
export const createTextRetention = (
  db: Database,
  stepMaxRows: number = mirrorLimits.textsDroppedPerSweepMax,
): Purger => ({
  async purge(nowMs) {
    for (const [stream, days] of Object.entries(keptDays)) {
      const due: readonly Readonly<Record<string, string>>[] = await db('entities')
        .where({ stream })
        .whereRaw("stream in ('audit', 'rollups')")
        .whereNot({ doc: '' })
        .where('received_at', '<', nowMs - days * 24 * 60 * 60_000)
        .orderBy('received_at')
        .limit(stepMaxRows)
        .select('company_id', 'establishment_id', 'entity_id');
      await db.transaction(async (tx) => {
        for (const key of due)
          await tx('entities')
            .where({ stream, ...key })
            .update({ doc: '' });
      });
    }
  },
});
