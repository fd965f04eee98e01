import type { StateSpans } from '../api.ts';

/** Columns as the chart wants them: times in seconds, and null where nothing was measured, so that a gap is a gap. */
export type ChartData = {
  readonly at: number[];
  readonly avg: (number | null)[];
  readonly min: (number | null)[];
  readonly max: (number | null)[];
};
export type Span = StateSpans['spans'][number];
export type SeriesLike = {
  readonly bucketMs: number;
  readonly at: readonly number[];
  readonly min: readonly number[];
  readonly avg: readonly number[];
  readonly max: readonly number[];
};

/** Points further apart than this many usual distances are two pieces of curve. */
const GAP_FACTOR = 3.5;

/**
 * Breaks a series where the machine was silent: at every span without signal, and wherever two points are much further
 * apart than is usual in this series (a machine that speaks each 10 s has no gap at 10 s).
 */
export function withGaps(series: SeriesLike, spans: readonly Span[]): ChartData {
  const { at } = series;
  const limit = Math.max(series.bucketMs * GAP_FACTOR, usualDistance(at) * GAP_FACTOR, 5_000);
  const lost = spans.filter(({ signal }) => !signal);
  const data: ChartData = { at: [], avg: [], min: [], max: [] };
  at.forEach((time, index) => {
    const before = at[index - 1];
    const isGap =
      before !== undefined &&
      (time - before > limit ||
        lost.some(({ from, to }) => from > before && to <= time && to - from > series.bucketMs));
    if (isGap && before !== undefined) push(data, (before + time) / 2, null, null, null);
    push(data, time, series.avg[index] ?? null, series.min[index] ?? null, series.max[index] ?? null);
  });
  return data;
}

/** The series with live samples behind it, and nothing older than `from`. Samples that are not newer are dropped: a repeat draws nothing twice. */
export function appendSamples<S extends SeriesLike>(
  series: S,
  samples: readonly { readonly at: number; readonly value: number }[],
  from: number,
): S {
  const last = series.at.at(-1) ?? Number.NEGATIVE_INFINITY;
  const fresh = samples.filter(({ at }) => at > last).sort((a, b) => a.at - b.at);
  if (fresh.length === 0 && (series.at[0] ?? from) >= from) return series;
  const start = series.at.findIndex((time) => time >= from);
  const keep = start === -1 ? series.at.length : start;
  const values = fresh.map(({ value }) => value);
  return {
    ...series,
    at: [...series.at.slice(keep), ...fresh.map(({ at }) => at)],
    min: [...series.min.slice(keep), ...values],
    avg: [...series.avg.slice(keep), ...values],
    max: [...series.max.slice(keep), ...values],
  };
}

/** How long each state lasted inside the window, for the key below the band; spans without signal count as `gap`. */
export function spanTotals(
  spans: readonly Span[],
  from: number,
  to: number,
): Map<NonNullable<Span['state']> | 'gap', number> {
  const totals = new Map<NonNullable<Span['state']> | 'gap', number>();
  for (const span of spans) {
    const length = Math.min(span.to, to) - Math.max(span.from, from);
    if (length <= 0) continue;
    const name = span.signal ? span.state : 'gap';
    if (name) totals.set(name, (totals.get(name) ?? 0) + length);
  }
  return totals;
}

/** The nearest measured point in a direction: what an arrow key reads next, stepping over gaps. */
export function nextReading(values: readonly (number | null)[], from: number | null, step: 1 | -1): number | null {
  let index = from ?? (step === 1 ? -1 : values.length);
  for (index += step; index >= 0 && index < values.length; index += step) if (values[index] !== null) return index;
  return from;
}

function usualDistance(at: readonly number[]): number {
  const distances = at.slice(1).map((time, index) => time - (at[index] ?? time));
  distances.sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? 0;
}

function push(data: ChartData, ms: number, avg: number | null, min: number | null, max: number | null) {
  data.at.push(ms / 1000);
  data.avg.push(avg);
  data.min.push(min);
  data.max.push(max);
}
