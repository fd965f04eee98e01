import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import { moveHead } from '../outbox/outbox-head.ts';

/** From here on the disk belongs to what the shop cannot do without. */
const fullAt = 0.9;
const shedLane = 3;
/** Dropped at once: a write lock that is held for some milliseconds. */
const rowsPerStep = 1000;
/** A disk fills over minutes. */
const lookEveryMs = 10_000;

export type Disk = { readonly freeBytes: number; readonly totalBytes: number };

/**
 * Looks at the disk once. At 90 % new changes of lane 3 are refused (`takeSeqs`); where it was so at the look before, the
 * oldest that wait are dropped too. Below it everything is taken again. Lanes 0 to 2 are never touched.
 * @returns how many were dropped
 */
export function shedOnce(db: Database, { freeBytes, totalBytes }: Disk): Promise<number> {
  const isFull = totalBytes > 0 && 1 - freeBytes / totalBytes >= fullAt;
  return db.transaction(async (tx) => {
    const { shedding } = await tx('outbox_head').where({ id: 1 }).forUpdate().first('shedding');
    if (Boolean(shedding) !== isFull) await tx('outbox_head').where({ id: 1 }).update({ shedding: isFull });
    return isFull && shedding ? dropOldest(tx) : 0;
  });
}

async function dropOldest(tx: Database): Promise<number> {
  const dropped: readonly { readonly seq: number; readonly stream: string; readonly entity_id: string }[] = await tx(
    'outbox',
  )
    .where({ lane: shedLane })
    .whereNull('parked_at')
    .orderBy('seq')
    .limit(rowsPerStep)
    .select('seq', 'stream', 'entity_id');
  if (dropped.length === 0) return 0;
  await tx('outbox')
    .whereIn(
      'seq',
      dropped.map((row) => row.seq),
    )
    .delete();
  // What the Core does not have in this version is not to be missed by a comparison.
  for (const [stream, rows] of Map.groupBy(dropped, (row) => row.stream))
    await tx('sync_entities')
      .where({ stream, settled_digest: null })
      .whereIn(
        'entity_id',
        rows.map((row) => row.entity_id),
      )
      .delete();
  await moveHead(tx, { open: { [shedLane]: -dropped.length }, shed: dropped.length });
  return dropped.length;
}

/** Looks at the disk now and then, until it is disposed. */
export function startShedder(deps: {
  readonly db: Database;
  readonly readDisk: () => Promise<Disk>;
  readonly log: Pick<Log, 'warn'>;
}): AsyncDisposable {
  const look = async (): Promise<void> => {
    try {
      const dropped = await shedOnce(deps.db, await deps.readDisk());
      if (dropped > 0) deps.log.warn({ dropped }, 'the disk is nearly full: the oldest bulk data was dropped');
    } catch (err) {
      deps.log.warn({ err }, 'the disk could not be looked at');
    }
  };
  const stop = new AbortController();
  const looking = (async () => {
    while (!stop.signal.aborted) {
      await look();
      await sleep(lookEveryMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looking;
    },
  };
}
