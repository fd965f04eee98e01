import type { SyncPage } from '@sgp/shared/api/shop';
import { uuidV7Time } from '@sgp/shared/uuid';

type Incident = Pick<SyncPage['incidents'][number], 'startedAt' | 'endedAt'>;
/** The time about which anything is known, ms since 1970. */
export type Known = { readonly from: number; readonly to: number };
export type Slice = 'up' | 'down' | 'unknown';

/**
 * What this installation can speak about. It begins with the first exchange, the enrolment that gave the node its identity
 * (a UUIDv7 carries its time), and ends now, or when the sending service last spoke if it fell silent.
 */
export function knownTime(page: Pick<SyncPage, 'nodeId'>, now: number, silentSince: number | null): Known {
  const bornAt = uuidV7Time(page.nodeId);
  return { from: Number.isFinite(bornAt) ? bornAt : now, to: silentSince ?? now };
}

/** A window in equal slices, oldest first: unknown where nothing is known, down where an outage touched it, else up. */
export function availabilitySlices(
  incidents: readonly Incident[],
  known: Known,
  now: number,
  windowMs: number,
  count: number,
): Slice[] {
  const start = now - windowMs;
  const size = windowMs / count;
  return Array.from({ length: count }, (_, index) => {
    const from = Math.max(start + index * size, known.from);
    const to = Math.min(start + (index + 1) * size, known.to);
    if (to <= from) return 'unknown';
    return incidents.some(({ startedAt, endedAt }) => startedAt < to && (endedAt ?? now) > from) ? 'down' : 'up';
  });
}

/**
 * Share of the known time of the window that had no outage, 0 to 1, and how many outages touched it. Overlaps are counted
 * once. Null when nothing is known: nobody may claim 100 % of no time.
 */
export function availability(
  incidents: readonly Incident[],
  known: Known,
  now: number,
  windowMs: number,
): { readonly ratio: number | null; readonly count: number } {
  const start = Math.max(now - windowMs, known.from);
  const end = Math.min(now, known.to);
  if (end <= start) return { ratio: null, count: 0 };
  const inside = incidents
    .map(({ startedAt, endedAt }) => ({ from: Math.max(start, startedAt), to: Math.min(end, endedAt ?? now) }))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from);
  let lost = 0;
  let reached = start;
  for (const { from, to } of inside) {
    lost += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return { ratio: 1 - lost / (end - start), count: inside.length };
}

/** The same window in words: every stretch that was not up, newest first. */
export function downTimes(
  incidents: readonly Incident[],
  known: Known,
  now: number,
  windowMs: number,
): { readonly from: number; readonly to: number; readonly state: 'down' | 'unknown' }[] {
  const start = now - windowMs;
  const inside = (from: number, to: number) => ({ from: Math.max(start, from), to: Math.min(now, to) });
  return [
    { ...inside(start, known.from), state: 'unknown' as const },
    { ...inside(known.to, now), state: 'unknown' as const },
    ...incidents.map(({ startedAt, endedAt }) => ({ ...inside(startedAt, endedAt ?? now), state: 'down' as const })),
  ]
    .filter(({ from, to }) => to > from)
    .sort((a, b) => b.from - a.from);
}
