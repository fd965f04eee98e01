import type { blockFields, catalogueFields, FieldEdit, FieldValue, SharedKind } from '@sgp/shared/sync-payloads';

/** Which side may write a field of a shared entity, and how two writes of it are merged (docs/sync-protocol.md §8). */

export type Side = 'edge' | 'core';

export type FieldRule = {
  readonly owner: Side | 'both';
  readonly holds: 'text' | 'number' | 'flag';
  /** Null is a value of it: nothing is set. */
  readonly optional: boolean;
  /**
   * `newest`: the last writer wins. `block-first`: true wins over a false that did not know of it. `first`: set once.
   * `follows`: it is written with another field, and stands or falls with it.
   */
  readonly merge: 'newest' | 'block-first' | 'first' | { readonly follows: string };
};

type FieldOf = {
  readonly catalogue: (typeof catalogueFields)[number];
  readonly block: (typeof blockFields)[number];
};

/** Every field of every shared kind: a missing one does not compile. */
export const fieldRules = {
  catalogue: {
    name: { owner: 'core', holds: 'text', optional: false, merge: 'newest' },
    unit: { owner: 'core', holds: 'text', optional: true, merge: 'newest' },
    priceCents: { owner: 'core', holds: 'number', optional: true, merge: 'newest' },
    active: { owner: 'core', holds: 'flag', optional: false, merge: 'newest' },
    minimum: { owner: 'edge', holds: 'number', optional: true, merge: 'newest' },
    place: { owner: 'edge', holds: 'text', optional: true, merge: 'newest' },
    leadDays: { owner: 'both', holds: 'number', optional: true, merge: 'newest' },
  },
  block: {
    subject: { owner: 'both', holds: 'text', optional: false, merge: 'first' },
    blocked: { owner: 'both', holds: 'flag', optional: false, merge: 'block-first' },
    reason: { owner: 'both', holds: 'text', optional: true, merge: { follows: 'blocked' } },
  },
} as const satisfies { readonly [K in SharedKind]: { readonly [F in FieldOf[K]]: FieldRule } };

export function ruleOf(kind: SharedKind, field: string): FieldRule | undefined {
  const rules: Readonly<Record<string, FieldRule>> = fieldRules[kind];
  return Object.hasOwn(rules, field) ? rules[field] : undefined;
}

export const mayWrite = (rule: FieldRule, from: Side): boolean => rule.owner === 'both' || rule.owner === from;

/** The fields that stand or fall with this one. */
export const followersOf = (kind: SharedKind, leader: string): readonly string[] =>
  Object.entries<FieldRule>(fieldRules[kind])
    .filter(([, { merge }]) => typeof merge === 'object' && merge.follows === leader)
    .map(([field]) => field);

const holdsValue = (rule: FieldRule, value: FieldValue): boolean =>
  value === null ? rule.optional : typeof value === { text: 'string', number: 'number', flag: 'boolean' }[rule.holds];

/**
 * Why an edit cannot be merged at all, or null. Who cannot write a field is no fault: such a write loses and is listed.
 * A clock that saw a stamp gives later ones only, so an edit that is not later than what it saw was not made by one.
 */
export function editFault(edit: FieldEdit): string | null {
  for (const [field, { value, saw }] of Object.entries(edit.fields)) {
    const rule = ruleOf(edit.kind, field);
    if (rule === undefined) return `${edit.kind} has no field ${field}`;
    if (!holdsValue(rule, value)) return `${field} must be a ${rule.holds}`;
    if (saw !== null && saw >= edit.at) return `${field} saw ${saw}, which is not before ${edit.at}`;
    if (typeof rule.merge === 'object' && !Object.hasOwn(edit.fields, rule.merge.follows))
      return `${field} is written only together with ${rule.merge.follows}`;
  }
  return null;
}
