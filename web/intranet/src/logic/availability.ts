import type { SyncPage } from '@sgp/shared/api/shop';

type Incident = Pick<SyncPage['incidents'][number], 'startedAt' | 'endedAt'>;

/** A day in equal slices, oldest first; true where no outage touched the slice. */
export function availabilitySlices(
  incidents: readonly Incident[],
  now: number,
  windowMs: number,
  count: number,
): boolean[] {
  const start = now - windowMs;
  const size = windowMs / count;
  return Array.from({ length: count }, (_, index) => {
    const from = start + index * size;
    return !incidents.some(({ startedAt, endedAt }) => startedAt < from + size && (endedAt ?? now) > from);
  });
}

/** Share of the window without outage, 0 to 1, and how many outages touched it. Overlaps are counted once. */
export function availability(
  incidents: readonly Incident[],
  now: number,
  windowMs: number,
): { readonly ratio: number; readonly count: number } {
  const start = now - windowMs;
  const inside = incidents
    .map(({ startedAt, endedAt }) => ({ from: Math.max(start, startedAt), to: Math.min(now, endedAt ?? now) }))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from);
  let lost = 0;
  let reached = start;
  for (const { from, to } of inside) {
    lost += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return { ratio: 1 - lost / windowMs, count: inside.length };
}
