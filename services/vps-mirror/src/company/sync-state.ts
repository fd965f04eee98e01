import { limits } from '@sgp/shared/limits';
import type { SyncState } from '@sgp/shared/sync';
import { mirrorLimits } from '../mirror-limits.ts';

/** What the Core knows of an establishment's exchange; times in ms. */
export type ExchangeFacts = {
  readonly active: boolean;
  readonly forked: boolean;
  readonly contactAt: number | null;
  readonly lastPushAt: number | null;
  readonly parked: number;
  readonly pending: number;
  readonly oldestPendingAt: number | null;
  readonly outage: boolean;
};

/** PRODUCT J5.2, as seen from the Core: the first that holds. */
export function stateOf(facts: ExchangeFacts, nowMs: number): SyncState {
  const ageOf = (at: number | null): number => (at === null ? Number.POSITIVE_INFINITY : nowMs - at);
  if (!facts.active) return 'paused';
  if (facts.forked) return 'failed';
  if (facts.contactAt === null) return 'unknown';
  if (facts.outage || ageOf(facts.contactAt) >= mirrorLimits.incidentAfterMs) return 'offline';
  if (facts.parked > 0) return 'failed';
  const isOld = facts.oldestPendingAt !== null && ageOf(facts.oldestPendingAt) > limits.syncOkMaxPendingAgeMs;
  if (isOld || ageOf(facts.lastPushAt) > limits.syncOkMaxAckAgeMs) return 'late';
  return facts.pending > 0 ? 'syncing' : 'ok';
}
