import { type Hlc, hlcParse, hlcTick } from '@sgp/shared/clock';
import { limits } from '@sgp/shared/limits';
import type { FieldEdit, SharedEntity, SharedKind, StampedField } from '@sgp/shared/sync-payloads';
import { clockSkewLoser, type Head, type Loser, lostField, type Settled } from './losers.ts';
import { type FieldRule, followersOf, mayWrite, ruleOf, type Side } from './ownership.ts';

/**
 * Merges the writes of both sides, field by field (docs/sync-protocol.md §8). Each field is a register of *heads*:
 * the writes that no other write knew of. One of them stands, by the field's rule; the others are losers. What is a head
 * follows from the set of edits alone, so their order and repetition do not matter.
 */

/** What a merge remembers of a field besides what stands. It goes down (`mergedEntitySchema`); views leave it out (`sharedOf`). */
export type MergedField = StampedField & {
  readonly who?: string;
  readonly claimed?: Hlc;
  /** Stamps that a later write replaced knowingly. */
  readonly seen?: readonly Hlc[];
  /** Other heads that can stand again: blocks behind a block, and an unblock behind it that is newer than all. */
  readonly rest?: readonly Head[];
};
export type MergedEntity = Omit<SharedEntity, 'fields'> & {
  readonly fields: Readonly<Record<string, MergedField>>;
  /** How stamps that were too far ahead were judged, so that the same edit is judged the same later. */
  readonly capped?: Readonly<Record<string, Hlc>>;
};

export type Merge = {
  /** To be stored, also when `changed` is false: what is remembered may have grown. */
  readonly entity: MergedEntity;
  /** Each to be listed once under its `key`; one that is listed already stays as it is. */
  readonly losers: readonly Loser[];
  /** Listed losers that turn out to be none: they were replaced knowingly, or stand again. To be closed as `kept`. */
  readonly settled: readonly Settled[];
  /** Something that others see is different: to be sent down. */
  readonly changed: boolean;
};

/**
 * Takes one edit in. The edit has no fault (`editFault`).
 * @param standing what this function gave before, or what came down from the Core; null for a new entity
 * @param from the side that wrote the edit
 * @param nowMs the receiver's wall clock, ms since 1970; Infinity where only the Core may judge stamps
 */
export function mergeEdit(standing: MergedEntity | null, edit: FieldEdit, from: Side, nowMs: number): Merge {
  const cap = capOf(standing, edit.at, nowMs);
  const losers: Loser[] = cap === null ? [] : [clockSkewLoser(edit, cap)];
  const settled: Settled[] = [];
  const fields: Record<string, MergedField> = { ...standing?.fields };
  // A stamp that is judged here for the first time is told to its writer, whatever becomes of the fields.
  let changed = cap !== null && standing?.capped?.[edit.at] === undefined;
  for (const [field, { saw }] of Object.entries(edit.fields)) {
    const rule = ruleOf(edit.kind, field);
    if (rule === undefined || typeof rule.merge === 'object') continue;
    const register = fields[field];
    const before = register === undefined ? [] : headsOf(edit.kind, field, fields, register);
    // A write that was merged already keeps the stamp under which it counts.
    const known = before.find((each) => stampOf(each) === edit.at);
    const head = { ...headOf(edit, field, cap, before[0], saw), ...(known && { at: known.at }) };
    const list = (winner: Head | undefined, loser: Head, why: Loser['why']) =>
      losers.push(lostField(edit, field, winner, loser, why));
    if (!mayWrite(rule, from)) {
      list(before[0], head, 'owner');
      continue;
    }
    const replaced = rule.merge === 'first' ? [] : namesOf(before, saw);
    const seen = stampsWith(register?.seen ?? [], replaced);
    const heads = [...before.filter((each) => !sameWrite(each, head)), head].filter((each) => !isSeen(seen, each));
    const winner = winnerOf(rule, heads) ?? before[0] ?? head;
    for (const each of new Set([...before.slice(0, 1), head]))
      if (!sameWrite(each, winner) && !isSeen(seen, each)) list(winner, each, whyLost(rule, winner, each));
    settled.push(...replaced.map((at) => ({ field, at })));
    if (before.slice(1).some((each) => sameWrite(each, winner))) settled.push({ field, at: stampOf(winner) });
    const rest = restOf(rule, heads, winner);
    changed = put(fields, edit.kind, field, { winner, seen, rest }) || changed;
  }
  const capped = cap === null ? standing?.capped : newest({ ...standing?.capped, [edit.at]: cap });
  const entity: MergedEntity = { kind: edit.kind, entityId: edit.entityId, fields, ...(capped && { capped }) };
  return { entity, losers, settled, changed };
}

/** What others see of a merged entity: the contract's form, without what only the merging side remembers. */
export const sharedOf = ({ kind, entityId, fields }: MergedEntity): SharedEntity => ({
  kind,
  entityId,
  fields: Object.fromEntries(Object.entries(fields).map(([field, { value, at }]) => [field, { value, at }])),
});

/** The stamp as its writer knows it. */
export const stampOf = (head: Pick<Head, 'at' | 'claimed'>): Hlc => head.claimed ?? head.at;
const sameWrite = (a: Head, b: Head): boolean => stampOf(a) === stampOf(b);
/** Its writer knows a write by the stamp that he gave it, everybody else by the one that counts. */
const isSeen = (seen: readonly Hlc[], head: Head): boolean => seen.includes(head.at) || seen.includes(stampOf(head));

/** The stamp that counts for an edit that is too far ahead, or null when its own counts. */
function capOf(standing: MergedEntity | null, at: Hlc, nowMs: number): Hlc | null {
  const judged = standing?.capped?.[at];
  if (judged !== undefined) return judged;
  const { ms, node } = hlcParse(at);
  if (ms <= nowMs + limits.hlcSkewMaxMs) return null;
  // The highest counter: those that are capped in one millisecond tie, and their own stamps decide.
  return hlcTick({ ms: nowMs, counter: 0xfffe }, nowMs, node)[1];
}

function headOf(edit: FieldEdit, field: string, cap: Hlc | null, stands: Head | undefined, saw: Hlc | null): Head {
  const followers = followersOf(edit.kind, field).map((each) => [each, edit.fields[each]?.value ?? null] as const);
  const head = {
    value: edit.fields[field]?.value ?? null,
    who: edit.who,
    ...(followers.length > 0 && { followers: Object.fromEntries(followers) }),
  };
  if (cap === null) return { ...head, at: edit.at };
  const replaces = stands !== undefined && saw !== null && (saw === stands.at || saw === stampOf(stands));
  // Whoever saw what stands comes after it, even if his clock is not believed.
  const at = replaces && stands.at >= cap ? hlcTick(hlcParse(stands.at), 0, hlcParse(edit.at).node)[1] : cap;
  return { ...head, at, claimed: edit.at };
}

/** What stands comes first. */
function headsOf(kind: SharedKind, field: string, fields: Merge['entity']['fields'], register: MergedField): Head[] {
  const { value, at, claimed, who = '', rest = [] } = register;
  const followers = followersOf(kind, field).map((each) => [each, fields[each]?.value ?? null] as const);
  const stands: Head = {
    value,
    at,
    who,
    ...(claimed !== undefined && { claimed }),
    ...(followers.length > 0 && { followers: Object.fromEntries(followers) }),
  };
  return [stands, ...rest];
}

const isLater = (a: Head, b: Head): boolean => (a.at === b.at ? stampOf(a) > stampOf(b) : a.at > b.at);

function winnerOf({ merge }: FieldRule, heads: readonly Head[]): Head | undefined {
  const blocks = heads.filter(({ value }) => value === true);
  const among = merge === 'block-first' && blocks.length > 0 ? blocks : heads;
  return among.toSorted((a, b) => (isLater(a, b) === (merge === 'first') ? 1 : -1))[0];
}

function whyLost({ merge }: FieldRule, winner: Head, loser: Head): Loser['why'] {
  if (merge === 'first') return 'set-once';
  return merge === 'block-first' && winner.value === true && loser.value !== true ? 'block-first' : 'newest';
}

/**
 * Heads that can stand again when the winner is replaced. Where the newest wins there are none, because who replaces the
 * winner is newer still. Every block that was not lifted knowingly is one; an unblock only if it is the newest write of all.
 */
function restOf(rule: FieldRule, heads: readonly Head[], winner: Head): readonly Head[] {
  if (rule.merge !== 'block-first') return [];
  const newestFirst = heads.toSorted((a, b) => (isLater(a, b) ? -1 : 1));
  return newestFirst.filter((each, i) => !sameWrite(each, winner) && (each.value === true || i === 0));
}

/** Writes a register back; true when what others see of it is different. */
function put(
  fields: Record<string, MergedField>,
  kind: SharedKind,
  field: string,
  { winner, seen, rest }: { readonly winner: Head; readonly seen: readonly Hlc[]; readonly rest: readonly Head[] },
): boolean {
  const { value, at, claimed, who, followers = {} } = winner;
  const changed = fields[field]?.at !== at || fields[field]?.value !== value;
  fields[field] = {
    value,
    at,
    who,
    ...(claimed !== undefined && { claimed }),
    ...(seen.length > 0 && { seen }),
    ...(rest.length > 0 && { rest }),
  };
  for (const each of followersOf(kind, field)) fields[each] = { value: followers[each] ?? null, at };
  return changed;
}

const stampsWith = (stamps: readonly Hlc[], more: readonly Hlc[]): readonly Hlc[] =>
  [...new Set([...stamps, ...more])].sort().slice(-limits.sharedStampsKeptMax);

/** All stamps of the write that was seen: whoever saw it under the one that counts replaces what its writer claimed. */
function namesOf(heads: readonly Head[], saw: Hlc | null): readonly Hlc[] {
  if (saw === null) return [];
  const named = heads.filter((each) => each.at === saw || stampOf(each) === saw);
  return [...new Set([saw, ...named.map(stampOf)])];
}

const newest = (capped: Readonly<Record<string, Hlc>>): Readonly<Record<string, Hlc>> =>
  Object.fromEntries(
    Object.entries(capped)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(-limits.sharedStampsKeptMax),
  );
