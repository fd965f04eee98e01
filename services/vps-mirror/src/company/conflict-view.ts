import type { ConflictEntry } from '@sgp/shared/api/conflicts';
import { hlcParse } from '@sgp/shared/clock';
import type { Conflict, FieldEdit } from '@sgp/shared/sync-payloads';
import { fieldsToRestore } from '@sgp/sync-engine/losers';
import { sharedOf } from '@sgp/sync-engine/merge';
import { mayWrite, ruleOf } from '@sgp/sync-engine/ownership';
import type { StoredEntity } from '../shared/merge-edits.ts';

/** The edit that writes the loser anew, or null when there is none that the Core may write. */
export function restoringFields(conflict: Conflict, standing: StoredEntity | null): FieldEdit['fields'] | null {
  const fields = standing && fieldsToRestore(conflict, sharedOf(standing.entity));
  if (!fields || !standing) return null;
  const isOurs = (field: string): boolean => {
    const rule = ruleOf(standing.entity.kind, field);
    return rule !== undefined && mayWrite(rule, 'core');
  };
  return Object.keys(fields).every(isOurs) ? fields : null;
}

const versionOf = ({ text, at, who }: Conflict['winner']): ConflictEntry['winner'] => ({
  text,
  at: at === null ? null : hlcParse(at).ms,
  who,
});

/** A conflict as screens take it. */
export function conflictView(conflict: Conflict, standing: StoredEntity | null): ConflictEntry {
  const name = standing?.entity.fields['name']?.value;
  return {
    ...conflict,
    name: typeof name === 'string' ? name : null,
    winner: versionOf(conflict.winner),
    loser: versionOf(conflict.loser),
    resolvedBy: conflict.resolvedBy ?? null,
    origin: 'core',
    canRestore: conflict.resolvedAt === null && restoringFields(conflict, standing) !== null,
  };
}
