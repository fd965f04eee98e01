import { entityKeyText } from './batch.ts';
import type { EntityKey } from './ports.ts';

/**
 * Leaves the newest version of each entity, newest change first. Its law, for streams whose payload is the whole state:
 * applying what is left gives what applying everything gives (docs/sync-protocol.md I4).
 * @param log changes in the order of their seq
 */
export function compact<Change extends EntityKey & { readonly version: number }>(log: readonly Change[]): Change[] {
  const newest = new Map<string, Change>();
  for (const change of log) {
    const key = entityKeyText(change);
    const known = newest.get(key);
    if (known !== undefined && known.version >= change.version) continue;
    // Deleting first moves the entity to the end: a map keeps the place of the first insertion.
    newest.delete(key);
    newest.set(key, change);
  }
  return [...newest.values()].reverse();
}
