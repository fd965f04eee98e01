import type { Change, ChangeOutcome } from '@sgp/shared/sync';
import { entityKeyText } from './batch.ts';
import type { ParkReason } from './ports.ts';

/** What the Core knows of an entity. */
export type InboxRow = Pick<Change, 'version' | 'updatedAt' | 'hash'>;
export type InboxChange = Pick<Change, 'seq' | 'id' | 'stream' | 'entityId' | 'version' | 'updatedAt' | 'hash'>;
export type InboxDecision = { readonly outcome: ChangeOutcome; readonly reason?: ParkReason };

/**
 * What the Core does with one change (DESIGN §4.2). Version and stamp of an entity grow together, because one node
 * writes it; a change for which they disagree comes from a forked history and is kept aside, never taken, never dropped.
 */
export function decide(
  row: InboxRow | null,
  change: Pick<InboxChange, 'version' | 'updatedAt' | 'hash'>,
): InboxDecision {
  if (row === null) return { outcome: 'applied' };
  if (change.version === row.version) {
    if (change.hash === row.hash) return { outcome: 'duplicate' };
    return parked(`version ${change.version} is here already with another content`);
  }
  const newerVersion = change.version > row.version;
  const newerStamp = change.updatedAt > row.updatedAt;
  if (newerVersion && newerStamp) return { outcome: 'applied' };
  if (!newerVersion && !newerStamp) return { outcome: 'stale' };
  return parked(
    `version ${change.version} at ${change.updatedAt} does not fit version ${row.version} at ${row.updatedAt}: the history forked`,
  );
}

const parked = (detail: string): InboxDecision => ({ outcome: 'parked', reason: { code: 'VERSION_CONFLICT', detail } });

/**
 * What the Core does with a batch: the newest version of each entity first, so that a set-based statement meets each
 * entity once, whatever order the batch came in.
 * @param find the row before the batch
 * @param fault why a change cannot be read (schema, hash, tenant), or null; such a change is parked and the rest goes on
 * @returns the decisions by `seq`, and the rows after the batch of the entities that were written
 */
export function decideBatch<C extends InboxChange>(
  changes: readonly C[],
  find: (change: C) => InboxRow | null,
  fault: (change: C) => ParkReason | null = () => null,
): { readonly decisions: ReadonlyMap<number, InboxDecision>; readonly written: ReadonlyMap<string, C> } {
  const decisions = new Map<number, InboxDecision>();
  const written = new Map<string, C>();
  const newestFirst = changes.toSorted((a, b) => b.version - a.version || a.seq - b.seq);
  for (const change of newestFirst) {
    const reason = fault(change);
    if (reason !== null) {
      decisions.set(change.seq, { outcome: 'parked', reason });
      continue;
    }
    const key = entityKeyText(change);
    const decision = decide(written.get(key) ?? find(change), change);
    decisions.set(change.seq, decision);
    if (decision.outcome === 'applied') written.set(key, change);
  }
  return { decisions, written };
}
