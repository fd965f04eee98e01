import { limits } from '@sgp/shared/limits';
import type { SyncState, SyncStatus } from '@sgp/shared/sync';
import type { LinkFacts } from './ports.ts';

export type StatusFacts = Pick<LinkFacts, 'lastAckAt' | 'offlineSince' | 'failures' | 'blocked'> &
  Pick<SyncStatus, 'pendingChanges' | 'oldestPendingAt' | 'pendingMedia' | 'parkedChanges'> & { readonly now: number };

/** One failed attempt is a hiccup; from the second on, the cloud is out of reach. */
const failuresUntilOffline = 2;

export const isOffline = (facts: Pick<LinkFacts, 'offlineSince' | 'failures'>): boolean =>
  facts.offlineSince !== null && facts.failures >= failuresUntilOffline;

/**
 * The state that screens show (PRODUCT J5.1, J5.2). `ok` is said only of what the Core acknowledged, at most two
 * heartbeats ago, with nothing waiting; what a person must act on comes before everything else.
 */
export function syncState(facts: StatusFacts): SyncState {
  if (facts.blocked !== null) return facts.blocked.kind;
  if (isOffline(facts)) return 'offline';
  if (facts.parkedChanges > 0) return 'failed';
  if (facts.lastAckAt === null) return 'unknown';
  if (facts.now - facts.lastAckAt > limits.syncOkMaxAckAgeMs) return 'late';
  if (facts.oldestPendingAt !== null && facts.now - facts.oldestPendingAt > limits.syncOkMaxPendingAgeMs) return 'late';
  return facts.pendingChanges > 0 || facts.pendingMedia > 0 ? 'syncing' : 'ok';
}
