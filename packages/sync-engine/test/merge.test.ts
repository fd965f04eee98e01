import { type Hlc, hlcParse } from '@sgp/shared/clock';
import { limits } from '@sgp/shared/limits';
import {
  blockFields,
  catalogueFields,
  type FieldEdit,
  type FieldValue,
  mergedEntitySchema,
  type SharedEntity,
  sharedEntitySchema,
} from '@sgp/shared/sync-payloads';
import { fieldsToRestore, type Loser } from '@sgp/sync-engine/losers';
import { type MergedEntity, mergeEdit, sharedOf } from '@sgp/sync-engine/merge';
import { editFault, fieldRules, ruleOf, type Side } from '@sgp/sync-engine/ownership';
import test from 'ava';
import fc from 'fast-check';
import { entity } from './support.ts';

const now = 1_000_000;
const stamp = (ms: number, node = 'aa'): Hlc => `${String(ms).padStart(14, '0')}-0000-${node.padStart(12, '0')}` as Hlc;
const edit = (at: Hlc, kind: FieldEdit['kind'], fields: FieldEdit['fields']): FieldEdit => ({
  editId: entity(Number(hlcParse(at).ms)),
  kind,
  entityId: entity(1),
  at,
  who: `writer at ${at}`,
  fields,
});
/** The stamp that counts for one that is too far ahead. */
const capped = (at: Hlc): Hlc =>
  mergeEdit(null, leadDays(at, 1, null).edit, 'edge', now).entity.fields['leadDays']?.at as Hlc;
type Act = { readonly edit: FieldEdit; readonly from: Side };

/** Merges all, with a ledger that keeps its contract: listed once by key, closed when settled. */
function mergeAll(acts: readonly Act[], nowMs = now) {
  let standing: MergedEntity | null = null;
  const ledger = new Map<string, { readonly loser: Loser; readonly open: boolean }>();
  for (const act of acts) {
    const { entity: next, losers, settled } = mergeEdit(standing, act.edit, act.from, nowMs);
    standing = next;
    for (const loser of losers) if (!ledger.has(loser.key)) ledger.set(loser.key, { loser, open: true });
    for (const { field, at } of settled)
      for (const [key, { loser }] of ledger)
        if (loser.field === field && loser.loser.at === at && loser.why !== 'owner')
          ledger.set(key, { loser, open: false });
  }
  const open = [...ledger.values()].filter(({ open: isOpen }) => isOpen).map(({ loser }) => loser);
  return { standing, shared: standing === null ? null : sharedOf(standing), ledger, open };
}

/** Edits as real clocks give them: each stamp is later than all that its writer saw. Every field's `saw` is any earlier write of it. */
const histories = (kind: FieldEdit['kind']) => {
  const fieldNames = kind === 'catalogue' ? catalogueFields : (['subject', 'blocked'] as const);
  const draft = fc.record({
    from: fc.constantFrom<Side>('edge', 'core'),
    fields: fc.subarray([...fieldNames], { minLength: 1 }),
    values: fc.array(fc.nat(2), { minLength: 7, maxLength: 7 }),
    /** Which of the earlier writes was seen; 0 for none. */
    saw: fc.array(fc.nat(8), { minLength: 7, maxLength: 7 }),
  });
  return fc.array(draft, { minLength: 1, maxLength: 9 }).map((drafts) => {
    const written = new Map<string, Hlc[]>();
    return drafts.map(({ from, fields, values, saw }, i): Act => {
      const at = stamp(100 + i, from === 'edge' ? 'ed' : 'c0');
      const members: FieldEdit['fields'] = {};
      for (const [n, field] of fields.entries()) {
        const earlier = written.get(field) ?? [];
        members[field] = { value: valueFor(field, values[n] ?? 0), saw: earlier[(saw[n] ?? 0) - 1] ?? null };
        if (field === 'blocked') members['reason'] = { value: `why ${i}`, saw: null };
        written.set(field, [...earlier, at]);
      }
      return { edit: edit(at, kind, members), from };
    });
  });
};
const valueFor = (field: string, n: number): FieldValue => {
  if (field === 'blocked' || field === 'active') return n > 0;
  return field === 'name' || field === 'unit' || field === 'place' || field === 'subject' ? `text ${n}` : n;
};

/** All acts, some of them twice, in any order. */
const schedules = (kind: FieldEdit['kind']) =>
  histories(kind).chain((acts) =>
    fc
      .tuple(
        fc.shuffledSubarray(acts, { minLength: acts.length }),
        fc.shuffledSubarray(acts),
        fc.array(fc.nat(20), { minLength: acts.length, maxLength: acts.length }),
      )
      .map(([once, again, places]) => {
        const schedule = [...once];
        for (const [i, act] of again.entries()) schedule.splice(places[i] ?? 0, 0, act);
        return { acts, schedule };
      }),
  );

for (const kind of ['catalogue', 'block'] as const)
  test(`I11: edits of a ${kind} in any order and with any repetition give the same entity`, (t) => {
    fc.assert(
      fc.property(schedules(kind), ({ acts, schedule }) => {
        t.deepEqual(mergeAll(schedule).standing, mergeAll(acts).standing);
      }),
      { numRuns: 1500 },
    );
  });

/** By the definition alone: what no taken write of the field saw is a head; one head stands, all others lost. */
function expected(acts: readonly Act[], kind: FieldEdit['kind'], field: string) {
  const rule = ruleOf(kind, field);
  const writes = acts.flatMap(({ edit: { at, fields }, from }) => {
    const written = fields[field];
    return written === undefined ? [] : [{ at, from, ...written }];
  });
  const taken = writes.filter(({ from }) => rule?.owner === 'both' || rule?.owner === from);
  const seen = new Set(rule?.merge === 'first' ? [] : taken.map(({ saw }) => saw));
  const heads = taken.filter(({ at }) => !seen.has(at)).sort((a, b) => (a.at < b.at ? -1 : 1));
  const blocks = heads.filter(({ value }) => value === true);
  const winner =
    rule?.merge === 'first' ? heads[0] : rule?.merge === 'block-first' ? (blocks.at(-1) ?? heads.at(-1)) : heads.at(-1);
  const refused = writes.filter((each) => !taken.includes(each));
  return { winner, losers: [...heads.filter((each) => each !== winner), ...refused].map(({ at }) => at).sort() };
}

for (const kind of ['catalogue', 'block'] as const)
  test(`I12: every concurrent value of a ${kind} that does not stand is in exactly one entry, whatever the order`, (t) => {
    let lost = 0;
    fc.assert(
      fc.property(schedules(kind), ({ acts, schedule }) => {
        const { shared, ledger, open } = mergeAll(schedule);
        for (const field of kind === 'catalogue' ? catalogueFields : ['subject', 'blocked']) {
          const want = expected(acts, kind, field);
          lost += want.losers.length;
          t.is(shared?.fields[field]?.at, want.winner?.at);
          t.is(shared?.fields[field]?.value, want.winner?.value);
          const listed = [...ledger.values()].filter(({ loser }) => loser.field === field);
          const times = (at: Hlc) => listed.filter(({ loser }) => loser.loser.at === at).length;
          for (const at of want.losers) t.is(times(at), 1, `${field} ${at}`);
          // Nothing stays open that was replaced knowingly or that stands.
          for (const loser of open.filter((each) => each.field === field))
            t.true(want.losers.includes(loser.loser.at as Hlc), `${field} ${loser.loser.at}`);
        }
      }),
      { numRuns: 1500 },
    );
    t.true(lost > 1000, 'the histories must have conflicts');
  });

test('I13: a block that an unblock did not know of stands, whichever is later and whichever comes first', (t) => {
  const block = (at: number, saw: Hlc | null): Act => ({
    from: 'edge',
    edit: edit(stamp(at), 'block', { blocked: { value: true, saw }, reason: { value: 'cracked', saw: null } }),
  });
  const unblock = (at: number, saw: Hlc | null): Act => ({
    from: 'core',
    edit: edit(stamp(at), 'block', { blocked: { value: false, saw } }),
  });
  for (const acts of [
    [block(5, null), unblock(9, null)],
    [unblock(9, null), block(5, null)],
    [block(5, null), block(6, null), unblock(9, stamp(6))],
    [unblock(9, stamp(6)), block(6, null), block(5, null)],
  ]) {
    const { shared, open } = mergeAll(acts);
    t.deepEqual(shared?.fields['blocked'], { value: true, at: stamp(5) });
    t.deepEqual(shared?.fields['reason'], { value: 'cracked', at: stamp(5) });
    t.deepEqual(
      open.map(({ why, loser: { text, at } }) => ({ why, text, at })),
      [{ why: 'block-first', text: '{"blocked":false,"reason":null}', at: stamp(9) }],
    );
  }
  const lifted = mergeAll([block(5, null), unblock(9, null), unblock(12, stamp(5))]);
  t.is(lifted.shared?.fields['blocked']?.value, false);
});

test('I13: every block must be lifted knowingly before a thing is free', (t) => {
  fc.assert(
    fc.property(schedules('block'), ({ acts, schedule }) => {
      const blocked = acts.flatMap(({ edit: { at, fields } }) =>
        fields['blocked'] === undefined ? [] : [{ at, ...fields['blocked'] }],
      );
      if (blocked.length === 0) return;
      const unknown = blocked.some(({ at, value }) => value === true && !blocked.some(({ saw }) => saw === at));
      t.is(mergeAll(schedule).shared?.fields['blocked']?.value, unknown || blocked.at(-1)?.value === true);
    }),
    { numRuns: 1000 },
  );
});

test('I14: a write of the shop to a field of the Core never stands, and is always listed', (t) => {
  fc.assert(
    fc.property(schedules('catalogue'), ({ acts, schedule }) => {
      const { shared, open } = mergeAll(schedule);
      for (const { edit: each, from } of acts)
        for (const field of Object.keys(each.fields) as (typeof catalogueFields)[number][]) {
          const { owner } = fieldRules.catalogue[field];
          if (owner === 'both' || owner === from) continue;
          t.not(shared?.fields[field]?.at, each.at);
          t.is(open.filter((one) => one.field === field && one.loser.at === each.at && one.why === 'owner').length, 1);
        }
    }),
    { numRuns: 500 },
  );
});

test('what was seen is replaced without an entry', (t) => {
  const first: Act = { from: 'core', edit: edit(stamp(1), 'catalogue', { leadDays: { value: 3, saw: null } }) };
  const second: Act = { from: 'edge', edit: edit(stamp(2), 'catalogue', { leadDays: { value: 4, saw: stamp(1) } }) };
  for (const acts of [
    [first, second],
    [second, first],
  ]) {
    const { shared, ledger } = mergeAll(acts);
    t.deepEqual(shared?.fields['leadDays'], { value: 4, at: stamp(2) });
    t.is(ledger.size, 0);
  }
});

test('two who wrote the same without knowing of each other leave an entry that nobody has to decide', (t) => {
  const acts = [1, 2].map(
    (at): Act => ({ from: 'core', edit: edit(stamp(at), 'catalogue', { leadDays: { value: 3, saw: null } }) }),
  );
  t.deepEqual(
    mergeAll(acts).open.map(({ same }) => same),
    [true],
  );
});

test('changed tells whether others see something new', (t) => {
  const first = edit(stamp(5), 'catalogue', { leadDays: { value: 3, saw: null } });
  const { entity: standing, changed } = mergeEdit(null, first, 'core', now);
  t.true(changed);
  t.false(mergeEdit(standing, first, 'core', now).changed);
  const late = edit(stamp(4), 'catalogue', { leadDays: { value: 9, saw: null } });
  t.false(mergeEdit(standing, late, 'edge', now).changed);
  const known = edit(stamp(6), 'catalogue', { leadDays: { value: 4, saw: stamp(5) } });
  t.true(mergeEdit(standing, known, 'edge', now).changed);
});

const ahead = now + limits.hlcSkewMaxMs + 1;
const leadDays = (at: Hlc, value: number, saw: Hlc | null): Act => ({
  from: 'edge',
  edit: edit(at, 'catalogue', { leadDays: { value, saw } }),
});

test('I15: a stamp that is too far ahead does not win by its lead, and is listed', (t) => {
  const skewed = leadDays(stamp(ahead), 1, null);
  const first = mergeEdit(null, skewed.edit, 'edge', now);
  t.is(hlcParse(first.entity.fields['leadDays']?.at as Hlc).ms, now);
  t.deepEqual(
    first.losers.map(({ kind, loser }) => ({ kind, at: loser.at })),
    [{ kind: 'clock-skew', at: stamp(ahead) }],
  );
  const honest = mergeEdit(first.entity, leadDays(stamp(now + 1, 'bb'), 2, null).edit, 'edge', now + 1);
  t.is(honest.entity.fields['leadDays']?.value, 2);
  const within = mergeEdit(null, leadDays(stamp(ahead - 1), 1, null).edit, 'edge', now);
  t.is(within.entity.fields['leadDays']?.at, stamp(ahead - 1));
  t.is(within.losers.length, 0);
});

test('I15: an edit that was ahead is judged the same when it comes again later', (t) => {
  const skewed = leadDays(stamp(ahead), 1, null).edit;
  let { entity: standing } = mergeEdit(null, skewed, 'edge', now);
  standing = mergeEdit(standing, leadDays(stamp(now + 1, 'bb'), 2, null).edit, 'edge', now + 1).entity;
  const again = mergeEdit(standing, skewed, 'edge', ahead + 10_000);
  t.deepEqual(again.entity, standing);
  t.false(again.changed);
});

test('I15: a writer whose clock is ahead replaces what he saw, his own earlier write included', (t) => {
  const stands = leadDays(stamp(now + 30_000, 'bb'), 1, null);
  const replaced = leadDays(stamp(ahead), 2, stamp(now + 30_000, 'bb'));
  const again = leadDays(stamp(ahead + 1), 3, stamp(ahead));
  const { shared, open } = mergeAll([stands, replaced, again]);
  t.is(shared?.fields['leadDays']?.value, 3);
  t.deepEqual(
    open.map(({ kind }) => kind),
    ['clock-skew', 'clock-skew'],
  );
  t.is(mergeAll([again, replaced]).shared?.fields['leadDays']?.value, 3);
});

test('a loser is restored by a new edit that saw what stands', (t) => {
  const { shared, open } = mergeAll([leadDays(stamp(1), 3, null), leadDays(stamp(2, 'bb'), 4, null)]);
  const [lost] = open as [Loser];
  const fields = fieldsToRestore(lost, shared as SharedEntity);
  t.deepEqual(fields, { leadDays: { value: 3, saw: stamp(2, 'bb') } });
  const restored = edit(stamp(3), 'catalogue', fields ?? {});
  const merged = mergeEdit(shared, restored, 'core', now);
  t.is(merged.entity.fields['leadDays']?.value, 3);
  t.is(merged.losers.length, 0);
});

test('a lost block is restored with its reason; a note about a clock has nothing to restore', (t) => {
  const standing = mergeEdit(null, edit(stamp(9), 'block', { blocked: { value: false, saw: null } }), 'core', now);
  const text = JSON.stringify({ blocked: true, reason: 'cracked' });
  const loser = { text, at: stamp(5), who: 'Ana' };
  t.deepEqual(fieldsToRestore({ kind: 'field', field: 'blocked', loser }, standing.entity as SharedEntity), {
    blocked: { value: true, saw: stamp(9) },
    reason: { value: 'cracked', saw: stamp(9) },
  });
  t.is(fieldsToRestore({ kind: 'clock-skew', field: null, loser }, standing.entity as SharedEntity), null);
});

test('what a merge remembers goes down, and views leave it out', (t) => {
  const { standing, shared } = mergeAll([leadDays(stamp(1), 3, null), leadDays(stamp(2), 4, stamp(1))]);
  t.deepEqual(standing?.fields['leadDays']?.seen, [stamp(1)]);
  t.deepEqual(JSON.parse(JSON.stringify(mergedEntitySchema.parse(standing))), JSON.parse(JSON.stringify(standing)));
  t.deepEqual(JSON.parse(JSON.stringify(sharedEntitySchema.parse(shared))), shared);
});

test('a shop merges its own open edit on what came down as the Core did, whatever came of it there', (t) => {
  const blocked = (at: Hlc, value: boolean, saw: Hlc | null): Act => ({
    edit: edit(at, 'block', { blocked: { value, saw }, reason: { value: value ? 'why' : null, saw: null } }),
    from: 'edge',
  });
  const [far, further] = [stamp(9_000_000), stamp(9_000_001, 'bb')];
  const cases: readonly (readonly Act[])[] = [
    // The block was lifted by somebody who knew of it, and its acknowledgement was lost.
    [blocked(stamp(1), true, null), blocked(stamp(2, 'bb'), false, stamp(1))],
    // Its stamp does not count at the Core.
    [leadDays(far, 3, null)],
    [leadDays(stamp(1, 'bb'), 4, null), leadDays(far, 3, null)],
    // It counts under the stamp after what it replaced, not under the Core's time.
    [leadDays(further, 4, null), leadDays(far, 3, capped(further))],
  ];
  for (const acts of cases) {
    const { standing } = mergeAll(acts);
    for (const act of acts) {
      const again = mergeEdit(standing, act.edit, act.from, Number.POSITIVE_INFINITY);
      t.deepEqual(again.entity, standing);
      t.false(again.changed);
    }
  }
});

test('the writer of a stamp that does not count hears of it, also where his value does not stand', (t) => {
  const { standing } = mergeAll([leadDays(stamp(now), 4, null)]);
  const first = mergeEdit(standing, leadDays(stamp(9_000_000), 4, null).edit, 'edge', now - 10);
  t.true(first.changed);
  t.false(mergeEdit(first.entity, leadDays(stamp(9_000_000), 4, null).edit, 'edge', now - 10).changed);
});

test('whoever replaces a write under the stamp that counts replaces it under the one that its writer gave', (t) => {
  const far = stamp(9_000_000);
  const first = leadDays(far, 3, null);
  const second = leadDays(stamp(now + 5), 4, capped(far));
  const { standing, open } = mergeAll([first, second]);
  t.is(standing?.fields['leadDays']?.value, 4);
  t.deepEqual(
    open.map(({ kind }) => kind),
    ['clock-skew'],
  );
  const { settled } = mergeEdit(mergeEdit(null, first.edit, 'edge', now).entity, second.edit, 'edge', now);
  t.deepEqual(
    settled.map(({ at }) => at),
    [capped(far), far],
  );
});

test('the stamps remembered for a field are bounded', (t) => {
  const count = limits.sharedStampsKeptMax * 2;
  const acts = Array.from({ length: count }, (_, i) => leadDays(stamp(i + 1), i, i === 0 ? null : stamp(i)));
  const { standing } = mergeAll(acts);
  t.is(standing?.fields['leadDays']?.seen?.length, limits.sharedStampsKeptMax);
});

const faults: readonly (readonly [string, FieldEdit, boolean])[] = [
  ['a known field with its kind of value is taken', leadDays(stamp(1), 3, null).edit, false],
  ['an unknown field is refused', edit(stamp(1), 'catalogue', { colour: { value: 'red', saw: null } }), true],
  ['a member of every object is no field', edit(stamp(1), 'catalogue', { toString: { value: 'x', saw: null } }), true],
  ['another kind of value is refused', edit(stamp(1), 'catalogue', { leadDays: { value: '3', saw: null } }), true],
  ['null is refused where it means nothing', edit(stamp(1), 'catalogue', { name: { value: null, saw: null } }), true],
  ['an edit that is not later than what it saw is refused', leadDays(stamp(1), 3, stamp(1)).edit, true],
  ['a reason without its block is refused', edit(stamp(1), 'block', { reason: { value: 'x', saw: null } }), true],
];
for (const [title, each, refused] of faults)
  test(`faults: ${title}`, (t) => {
    t.is(editFault(each) !== null, refused);
  });

test('every field of the contract has exactly one rule', (t) => {
  t.deepEqual(Object.keys(fieldRules.catalogue).sort(), [...catalogueFields].sort());
  t.deepEqual(Object.keys(fieldRules.block).sort(), [...blockFields].sort());
});
