import { mirrorLimits } from '../mirror-limits.ts';

/** When an establishment is out of contact, and when that is over: pure, so that every case can be tried. Times in ms. */

export type Outage = {
  /** Last contact before it. */
  readonly startedAt: number;
  readonly openedAt: number;
  /** First contact that may be the end of it; null while there is none. */
  readonly backSince: number | null;
  readonly alertedAt: number | null;
  readonly peakPending: number;
};

export type Sign = {
  /** Last sign of life; null before the first. */
  readonly contactAt: number | null;
  /** Changes that the edge says to wait. */
  readonly pending: number;
};

export type OutageStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'opened' | 'changed'; readonly outage: Outage }
  | { readonly kind: 'ended'; readonly outage: Outage; readonly endedAt: number };

/**
 * Looks at one establishment.
 * @param outage the one that is open, if any
 * @param watchedSince since when the Core has been there without a gap: its own absence is nobody's silence
 */
export function stepOutage(
  outage: Outage | null,
  { contactAt, pending }: Sign,
  { nowMs, watchedSince }: { readonly nowMs: number; readonly watchedSince: number },
): OutageStep {
  if (contactAt === null) return { kind: 'none' };
  if (outage === null) {
    if (nowMs - Math.max(contactAt, watchedSince) < mirrorLimits.incidentAfterMs) return { kind: 'none' };
    const opened = { startedAt: contactAt, openedAt: nowMs, backSince: null, alertedAt: null, peakPending: 0 };
    return { kind: 'opened', outage: opened };
  }
  const isBack = contactAt > outage.startedAt && nowMs - contactAt <= mirrorLimits.contactFreshMs;
  if (!isBack)
    return outage.backSince === null ? { kind: 'none' } : { kind: 'changed', outage: { ...outage, backSince: null } };
  const backSince = outage.backSince ?? contactAt;
  const next = { ...outage, backSince, peakPending: Math.max(outage.peakPending, pending) };
  if (nowMs - backSince >= mirrorLimits.incidentFlapMs) return { kind: 'ended', outage: next, endedAt: backSince };
  const same = next.backSince === outage.backSince && next.peakPending === outage.peakPending;
  return same ? { kind: 'none' } : { kind: 'changed', outage: next };
}

/** Whether people have to be told now: once for each outage, not while it may be over, not in a maintenance window. */
export const isAlertDue = (outage: Outage, nowMs: number, inMaintenance: boolean): boolean =>
  outage.alertedAt === null &&
  outage.backSince === null &&
  !inMaintenance &&
  nowMs - outage.openedAt >= mirrorLimits.incidentFlapMs;

/** Share of a span in which there was contact, 0 to 1. */
export function availability(
  incidents: readonly { readonly startedAt: number; readonly endedAt: number | null }[],
  span: { readonly from: number; readonly until: number },
): number | null {
  if (span.until <= span.from) return null;
  const away = incidents.reduce((sum, { startedAt, endedAt }) => {
    const overlap = Math.min(endedAt ?? span.until, span.until) - Math.max(startedAt, span.from);
    return sum + Math.max(0, overlap);
  }, 0);
  return 1 - away / (span.until - span.from);
}
