import { type Hlc, hlcParse } from '@sgp/shared/clock';
import type { Conflict, FieldEdit, FieldValue, SharedEntity, SharedKind } from '@sgp/shared/sync-payloads';
import { ruleOf } from './ownership.ts';

/** One write of a field, with the fields that follow it. */
export type Head = {
  readonly value: FieldValue;
  /** The stamp that counts. */
  readonly at: Hlc;
  /** The stamp as written, where it was too far ahead to count. */
  readonly claimed?: Hlc;
  readonly who: string;
  readonly followers?: Readonly<Record<string, FieldValue>>;
};

/** What lost in a merge, in the ledger's form: nothing that a person wrote goes without a trace. */
export type Loser = Pick<Conflict, 'winner' | 'loser'> & {
  /** The same for the same loss, in whatever order the edits came: the ledger's id is made of it. */
  readonly key: string;
  readonly kind: Extract<Conflict['kind'], 'field' | 'clock-skew'>;
  readonly entity: SharedKind;
  readonly entityId: string;
  readonly field: string | null;
  /** `owner`: the other side owns the field. `clock`: the edit counts, but not under the stamp that it claims. */
  readonly why: 'newest' | 'block-first' | 'set-once' | 'owner' | 'clock';
  /** Both wrote the same: nobody has to decide anything, the entry is `kept` from its birth. */
  readonly same: boolean;
};

/** Names a listed loser: its field, and `loser.at`. */
export type Settled = { readonly field: string; readonly at: Hlc };

/** JSON of the value; where other fields follow the field, of all of them by name. */
export const textOf = (field: string, head: Pick<Head, 'value' | 'followers'>): string =>
  JSON.stringify(head.followers === undefined ? head.value : { [field]: head.value, ...head.followers });

export function lostField(
  edit: Pick<FieldEdit, 'kind' | 'entityId'>,
  field: string,
  winner: Head | undefined,
  loser: Head,
  why: Loser['why'],
): Loser {
  const at = loser.claimed ?? loser.at;
  const text = textOf(field, loser);
  const winnerText = winner === undefined ? 'null' : textOf(field, winner);
  return {
    key: `field/${edit.kind}/${edit.entityId}/${field}/${at}`,
    kind: 'field',
    entity: edit.kind,
    entityId: edit.entityId,
    field,
    winner: { text: winnerText, at: winner?.at ?? null, who: winner?.who ?? '' },
    loser: { text, at, who: loser.who },
    why,
    same: text === winnerText,
  };
}

/** An edit whose clock was too far ahead: what it wrote, and the time of the Core that counts for it. */
export function clockSkewLoser(edit: FieldEdit, cap: Hlc): Loser {
  const values = Object.fromEntries(Object.entries(edit.fields).map(([field, { value }]) => [field, value]));
  return {
    key: `clock-skew/${edit.kind}/${edit.entityId}/${edit.at}`,
    kind: 'clock-skew',
    entity: edit.kind,
    entityId: edit.entityId,
    field: null,
    winner: { text: JSON.stringify(hlcParse(cap).ms), at: cap, who: '' },
    loser: { text: JSON.stringify(values), at: edit.at, who: edit.who },
    why: 'clock',
    same: false,
  };
}

/**
 * The fields of the edit that writes a loser anew: a new act, which saw what stands now. Null for what has no value to be
 * written, such as a note about a clock or a field that is set once.
 */
export function fieldsToRestore(
  conflict: Pick<Conflict, 'kind' | 'field' | 'loser'>,
  standing: SharedEntity,
): FieldEdit['fields'] | null {
  const { kind, field, loser } = conflict;
  const rule = field === null ? undefined : ruleOf(standing.kind, field);
  if (kind !== 'field' || field === null || rule === undefined || rule.merge === 'first') return null;
  const parsed = JSON.parse(loser.text) as FieldValue | Readonly<Record<string, FieldValue>>;
  const values = parsed !== null && typeof parsed === 'object' ? parsed : { [field]: parsed };
  return Object.fromEntries(
    Object.entries(values).map(([each, value]) => [each, { value, saw: standing.fields[each]?.at ?? null }]),
  );
}
