import type { Database } from '@sgp/service-kit/database';
import { mirrorLimits } from '../mirror-limits.ts';

type Due = {
  readonly company_id: string;
  readonly establishment_id: string;
  readonly core_epoch: string;
  readonly upTo: number;
};

/**
 * Deletes what every node of an establishment has. Who asks for it nevertheless, a new node or one that was restored from
 * a backup, hears everything anew as it is then: each entity once, in its newest version.
 */
export async function forgetAcknowledged(db: Database, nowMs: number): Promise<void> {
  const since = nowMs - mirrorLimits.downCursorKeptDays * 24 * 60 * 60_000;
  for (const due of [...(await acknowledged(db, since)), ...(await neverFetched(db, since))]) await forget(db, due);
}

/** Up to where all nodes are that still ask. */
const acknowledged = async (db: Database, since: number): Promise<readonly Due[]> =>
  db('downlink_heads as h')
    .join('downlink_cursors as c', (join) =>
      join.on('c.company_id', 'h.company_id').on('c.establishment_id', 'h.establishment_id'),
    )
    .where('c.asked_at', '>=', since)
    .groupBy('h.company_id', 'h.establishment_id', 'h.core_epoch', 'h.floor')
    .havingRaw('min(c.acked_seq) > h.floor')
    .select('h.company_id', 'h.establishment_id', 'h.core_epoch', { upTo: db.raw('min(c.acked_seq)') })
    .limit(mirrorLimits.downForgottenPerSweepMax);

/** Where nobody asks any more, what is old is not kept for ever. */
const neverFetched = async (db: Database, since: number): Promise<readonly Due[]> =>
  db('downlink_heads as h')
    .join('downlink as d', (join) =>
      join.on('d.company_id', 'h.company_id').on('d.establishment_id', 'h.establishment_id'),
    )
    .where('d.written_at', '<', since)
    .whereNotExists((where) =>
      where
        .from('downlink_cursors as c')
        .whereRaw('c.company_id = h.company_id and c.establishment_id = h.establishment_id')
        .where('c.asked_at', '>=', since)
        .select(db.raw('1')),
    )
    .groupBy('h.company_id', 'h.establishment_id', 'h.core_epoch')
    .select('h.company_id', 'h.establishment_id', 'h.core_epoch', { upTo: db.raw('max(d.seq)') })
    .limit(mirrorLimits.downForgottenPerSweepMax);

/** Under the lock of the numbering: in a new one the same numbers are others. */
async function forget(db: Database, { upTo, ...numbering }: Due): Promise<void> {
  const { core_epoch: _, ...of } = numbering;
  await db.transaction(async (tx) => {
    if (!(await tx('downlink_heads').where(numbering).forUpdate().first('seq'))) return;
    await tx('downlink').where(of).where('seq', '<=', upTo).delete();
    await tx('downlink_heads').where(of).update({ floor: upTo });
  });
}
