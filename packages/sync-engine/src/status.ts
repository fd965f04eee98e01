import { limits } from '@sgp/shared/limits';
import type { SyncState, SyncStatus } from '@sgp/shared/sync';
import type { LinkFacts } from './ports.ts';

export type StatusFacts = Pick<LinkFacts, 'lastAckAt' | 'offlineSince' | 'failures' | 'blocked'> &
  Pick<SyncStatus, 'pendingChanges' | 'oldestPendingAt' | 'pendingMedia' | 'parkedChanges'> & {
    readonly now: number;
    /**
     * Since this process heard the last acknowledgement, by a clock that never jumps; null: a process before it did, and
     * only the wall clock tells when.
     */
    readonly sinceAckMs: number | null;
  };

/** One failed attempt is a hiccup; from the second on, the cloud is out of reach. */
const failuresUntilOffline = 2;

export const isOffline = (facts: Pick<LinkFacts, 'offlineSince' | 'failures'>): boolean =>
  facts.offlineSince !== null && facts.failures >= failuresUntilOffline;

/**
 * The state that screens show (PRODUCT J5.1, J5.2). `ok` is said only of what the Core acknowledged to this process, at
 * most two heartbeats ago whatever the wall clock did meanwhile, with nothing waiting; what a person must act on comes
 * before everything else.
 */
export function syncState(facts: StatusFacts): SyncState {
  const { now, lastAckAt, sinceAckMs, oldestPendingAt } = facts;
  if (facts.blocked !== null) return facts.blocked.kind;
  if (isOffline(facts)) return 'offline';
  if (facts.parkedChanges > 0) return 'failed';
  if (lastAckAt === null) return 'unknown';
  if (isOld(lastAckAt, now, limits.syncOkMaxAckAgeMs) || (sinceAckMs ?? 0) > limits.syncOkMaxAckAgeMs) return 'late';
  if (oldestPendingAt !== null && isOld(oldestPendingAt, now, limits.syncOkMaxPendingAgeMs)) return 'late';
  return facts.pendingChanges > 0 || facts.pendingMedia > 0 || sinceAckMs === null ? 'syncing' : 'ok';
}

/** What lies in the future was written under another clock: how old it is, nobody knows. */
const isOld = (at: number, now: number, maxAgeMs: number): boolean => at > now || now - at > maxAgeMs;
