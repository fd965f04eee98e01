import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Database, isPostgres } from '@sgp/service-kit/database';
import type { TelemetrySeries } from '@sgp/shared/api/machines';

export type SeriesQuery = {
  readonly metric: string;
  /** `[from, to)` in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly points: number;
};

/** Length of a bucket in ms, so that `[from, to)` falls into at most `points` of them. */
export const bucketLength = (from: number, to: number, points: number): number =>
  Math.max(1, Math.ceil((to - from) / points));

type Row = { readonly bucket: number; readonly low: number; readonly mean: number; readonly high: number };

/** A slice of a series may hold the database's connection this long, because the ingest waits for it. */
const sliceMaxMs = 20;

/**
 * Reads one metric as buckets of equal length, which the database makes; empty ones are left out. A month of samples is
 * read in slices that adapt to how dense they lie, so that messages of the floor are stored in between.
 */
export async function readSeries(
  db: Database,
  machineId: string,
  { metric, from, to, points }: SeriesQuery,
): Promise<TelemetrySeries> {
  const bucketMs = bucketLength(from, to, points);
  const rows: Row[] = [];
  const known = await db('metrics').where({ machine_id: machineId, name: metric }).first('metric_id');
  let buckets = 8;
  let sliceFrom = from;
  while (known && sliceFrom < to) {
    const sliceTo = Math.min(to, sliceFrom + buckets * bucketMs);
    const begun = performance.now();
    rows.push(...(await readSlice(db, known.metric_id, { from, sliceFrom, sliceTo, bucketMs })));
    const tookMs = performance.now() - begun;
    buckets = tookMs > sliceMaxMs ? Math.max(1, Math.floor(buckets / 2)) : buckets * 2;
    sliceFrom = sliceTo;
    await nextTurn();
  }
  return {
    metric,
    from,
    to,
    bucketMs,
    at: rows.map(({ bucket }) => from + bucket * bucketMs),
    min: rows.map(({ low }) => low),
    avg: rows.map(({ mean }) => mean),
    max: rows.map(({ high }) => high),
  };
}

type Slice = {
  readonly from: number;
  readonly sliceFrom: number;
  readonly sliceTo: number;
  readonly bucketMs: number;
};

async function readSlice(db: Database, metricId: number, slice: Slice): Promise<readonly Row[]> {
  // The casts make both engines divide whole numbers: their drivers send numbers as floating point or text.
  const bucket = '(at - cast(:from as bigint)) / cast(:bucketMs as bigint)';
  const result = await db.raw(
    `select ${bucket} as bucket, min(number) as low, avg(number) as mean, max(number) as high from samples
      where metric_id = :metricId and at >= :sliceFrom and at < :sliceTo and number is not null group by 1 order by 1`,
    { ...slice, metricId },
  );
  return isPostgres(db) ? result.rows : result;
}
