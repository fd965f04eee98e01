import type { DownChange } from '@sgp/shared/sync-downlink';
import { decide as decideInOneHistory, type InboxDecision, type InboxRow } from './inbox.ts';

/** What the edge knows of an entity that the Core writes, and the core epoch in which it came. */
export type DownRow = InboxRow & { readonly coreEpoch: string };
export type DownCandidate = Pick<DownChange, 'version' | 'updatedAt' | 'hash'> & { readonly coreEpoch: string };

/**
 * What the edge does with a change of the Core. Within one core epoch the Core's rule holds (`inbox.ts`). A restored Core
 * has forgotten versions and gives their numbers anew, under later stamps: across epochs the stamp alone decides.
 */
export function decide(row: DownRow | null, change: DownCandidate): InboxDecision {
  if (row === null || row.coreEpoch === change.coreEpoch) return decideInOneHistory(row, change);
  if (change.version === row.version && change.hash === row.hash) return { outcome: 'duplicate' };
  if (change.updatedAt > row.updatedAt) return { outcome: 'applied' };
  if (change.updatedAt < row.updatedAt) return { outcome: 'stale' };
  const detail = `two contents are stamped ${change.updatedAt}, in core epochs ${row.coreEpoch} and ${change.coreEpoch}`;
  return { outcome: 'parked', reason: { code: 'VERSION_CONFLICT', detail } };
}
