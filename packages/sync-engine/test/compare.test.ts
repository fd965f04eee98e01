import { type DigestAnswer, digestAnswerSchema, digestGroups } from '@sgp/shared/sync-digest';
import { compare } from '@sgp/sync-engine/compare';
import type {
  CompareEvent,
  CompareEventType,
  ComparePhaseName,
  CompareState,
  DigestQuestion,
} from '@sgp/sync-engine/compare-state';
import { createDigestDelta, createDigestTree, encodeSum, entityDigest, shortOf } from '@sgp/sync-engine/digest';
import test from 'ava';
import fc from 'fast-check';
import { answerOf, orders, type Row, run, sha256, sideOf } from './compare-world.ts';
import { entity } from './support.ts';

/** For each entity, the version of the edge and of the Core; 0 for none. */
const pairs = fc.uniqueArray(
  fc.record({
    n: fc.nat(5000),
    edge: fc.integer({ min: 0, max: 3 }),
    core: fc.integer({ min: 0, max: 3 }),
    open: fc.boolean(),
  }),
  { selector: ({ n }) => n, maxLength: 60 },
);
type Pair = { readonly n: number; readonly edge: number; readonly core: number; readonly open: boolean };
const edgeOf = (all: readonly Pair[]) =>
  sideOf(all.filter(({ edge }) => edge > 0).map(({ n, edge, open }) => ({ n, version: edge, open })));
const coreOf = (all: readonly Pair[]) =>
  sideOf(all.filter(({ core }) => core > 0).map(({ n, core }) => ({ n, version: core })));
function wanted(all: readonly Pair[]) {
  const settled = all.filter(({ edge, open }) => edge > 0 && !open);
  const names = (each: readonly Pair[], which: 'edge' | 'core') =>
    each.map((one) => `${entity(one.n)}/${one[which]}`).sort();
  return {
    requeued: names(
      settled.filter(({ edge, core }) => core < edge),
      'edge',
    ),
    repaired: names(
      settled.filter(({ edge, core }) => core > edge),
      'core',
    ),
    unknown: names(
      all.filter(({ edge, core }) => edge === 0 && core > 0),
      'core',
    ),
  };
}

test('I19: for any two sets, exactly what differs is found, and what is open is left out', (t) => {
  fc.assert(
    fc.property(pairs, (all) => {
      const { requeued, repaired, unknown, receipts, outcome, recounted } = run(
        orders(edgeOf(all)),
        orders(coreOf(all)),
      );
      const got = { requeued: requeued.toSorted(), repaired: repaired.toSorted(), unknown: unknown.toSorted() };
      const want = wanted(all);
      t.deepEqual(got, want);
      t.deepEqual(recounted, []);
      const differs = want.requeued.length + want.repaired.length + want.unknown.length > 0;
      const onWay = all.some(({ edge, core, open }) => open && edge > 0 && core > 0);
      t.is(outcome.type, differs ? 'found' : onWay ? 'nothing-found' : 'equal');
      t.is(receipts, outcome.type === 'equal' ? 1 : 0);
    }),
    { numRuns: 300 },
  );
});

test('I19: every stream that differs is looked into, and no other', (t) => {
  const same = sideOf([{ n: 1, version: 1 }]);
  const edge = new Map([
    ['orders', sideOf([{ n: 2, version: 2 }])],
    ['customers', same],
    ['stock', sideOf([{ n: 3, version: 1 }])],
  ] as const);
  const core = new Map([
    ['orders', sideOf([{ n: 2, version: 1 }])],
    ['customers', same],
    ['stock', sideOf([])],
  ] as const);
  const result = run(edge, core);
  t.deepEqual(result.requeued.toSorted(), [`${entity(2)}/2`, `${entity(3)}/1`]);
  // Roots; for each stream groups, buckets and entities; what the Core's old version is.
  t.is(result.asks, 1 + 2 * 3 + 1);
});

test('the same version with another content is repaired, not sent again', (t) => {
  const edge = sideOf([{ n: 1, version: 4 }]);
  const [row] = edge.rows as [Row];
  const other = { ...row, digest: entityDigest(sha256, { ...row, hash: 'other' }) };
  const delta = createDigestDelta();
  delta.add(other.bucket, other.digest);
  const core = { ...edge, tree: createDigestTree(delta.entries()), byBucket: new Map([[other.bucket, [other]]]) };
  t.like(run(orders(edge), orders(core)), { requeued: [], repaired: [`${entity(1)}/4`] });
});

test('sums that are wrong although both sides list the same are counted anew', (t) => {
  const side = sideOf([{ n: 1, version: 4 }]);
  const [{ bucket, digest }] = side.rows as [Row];
  const twice = createDigestDelta();
  twice.add(bucket, digest);
  twice.add(bucket, digest);
  const edge = { ...side, stored: twice.entries(), tree: createDigestTree(twice.entries()) };
  const result = run(orders(edge), orders(side));
  t.deepEqual(result.recounted, [bucket]);
  t.deepEqual(result.outcome, { type: 'nothing-found' });
});

const large = 100_000;
const many = Array.from({ length: large }, (_, n) => ({ n, version: 2 }));
const aged = (count: number) => many.map((each, i) => (i % (large / count) === 0 ? { ...each, version: 1 } : each));
const largeSide = sideOf(many);

test('I19: equal sides of 100,000 cost one round of less than 1 KB', (t) => {
  const { asks, answerBytes, outcome } = run(orders(largeSide), orders(largeSide));
  t.log(`${answerBytes} bytes of answers in ${asks} rounds`);
  t.deepEqual(outcome, { type: 'equal' });
  t.is(asks, 1);
  t.true(answerBytes < 1000);
});
for (const [count, maxBytes] of [
  [1, 5_000],
  [100, 200_000],
] as const)
  test(`I19: ${count} of 100,000 are found within ${maxBytes} bytes of answers`, (t) => {
    const core = sideOf(aged(count));
    const start = performance.now();
    const { requeued, answerBytes, asks } = run(orders(largeSide), orders(core));
    t.log(
      `${answerBytes} bytes of answers in ${asks} rounds, ${(performance.now() - start).toFixed(0)} ms of both sides`,
    );
    t.is(requeued.length, count);
    t.true(answerBytes <= maxBytes, `${answerBytes}`);
  });

test('I19: a Core that has nothing is filled without one question for each entity', (t) => {
  const { requeued, asks } = run(orders(largeSide), orders(sideOf([])));
  t.is(requeued.length, large);
  t.true(asks <= 3 + 1024 / 64, `${asks} rounds`);
});

test('I20: a failure at any reply ends the comparison, and what was found until then is true', (t) => {
  const all: Pair[] = Array.from({ length: 40 }, (_, n) => ({ n, edge: (n % 3) + 1, core: (n + 1) % 4, open: false }));
  const [edge, core, want] = [orders(edgeOf(all)), orders(coreOf(all)), wanted(all)];
  const replies = (() => {
    let count = 0;
    run(edge, core, (n, event) => {
      count = n;
      return [event];
    });
    return count;
  })();
  t.true(replies > 8);
  for (let at = 1; at <= replies; at += 1) {
    const result = run(edge, core, (n, event) => (n === at ? [{ type: 'failed', detail: 'gone' }] : [event]));
    t.deepEqual(result.outcome, { type: 'failed', detail: 'gone' });
    t.is(result.receipts, 0);
    for (const each of result.requeued) t.true(want.requeued.includes(each));
    for (const each of result.repaired) t.true(want.repaired.includes(each));
    for (const each of result.unknown) t.true(want.unknown.includes(each));
  }
});

test('I20: doubled replies change nothing, and an answer to another question ends it', (t) => {
  const all: Pair[] = Array.from({ length: 40 }, (_, n) => ({ n, edge: (n % 3) + 1, core: (n + 1) % 4, open: false }));
  const [edge, core] = [orders(edgeOf(all)), orders(coreOf(all))];
  const plain = run(edge, core);
  t.deepEqual(
    run(edge, core, (_n, event) => [event, event]),
    plain,
  );
  const zeros = new Array<string>(digestGroups).fill(encodeSum(0n));
  const wrong = run(edge, core, (_n, event) =>
    event.type === 'answered' && event.answer.level === 'buckets'
      ? [{ ...event, answer: { level: 'groups', sums: zeros } }]
      : [event],
  );
  t.is(wrong.outcome.type, 'failed');
});

test('a bucket that an answer leaves out is not taken for an empty one', (t) => {
  const edge = sideOf([{ n: 1, version: 1 }]);
  const result = run(orders(edge), orders(sideOf([])), (_n, event) =>
    event.type === 'answered' && event.answer.level === 'entities'
      ? [{ ...event, answer: { level: 'entities', buckets: [] } }]
      : [event],
  );
  t.deepEqual(result.requeued, []);
  t.deepEqual(result.outcome, { type: 'nothing-found' });
});

test('what the Core answers here has the form of the contract', (t) => {
  const side = sideOf([{ n: 1, version: 3 }]);
  const [row] = side.rows as [Row];
  const core = orders(side);
  const questions: readonly DigestQuestion[] = [
    { level: 'roots', streams: [] },
    { level: 'groups', stream: 'orders' },
    { level: 'buckets', stream: 'orders', groups: [3] },
    { level: 'entities', stream: 'orders', buckets: [row.bucket] },
    { level: 'unknown', stream: 'orders', bucket: row.bucket, digests: [shortOf(row.digest)] },
  ];
  for (const question of questions) t.notThrows(() => digestAnswerSchema.parse(answerOf(core, question)));
});

// --- the table ---

const runMembers = { round: 5, asks: 1, roots: [], streamsLeft: [], found: { requeued: 0, repairs: 0, unknown: 0 } };
const within = { run: runMembers, stream: 'orders', portions: [[7]] } as const;
const tree = createDigestTree();
const states: { readonly [P in ComparePhaseName]: CompareState } = {
  idle: { phase: 'idle', round: 5 },
  'reading-roots': { phase: 'reading-roots', run: runMembers },
  'asking-roots': { phase: 'asking-roots', run: runMembers },
  'reading-tree': { phase: 'reading-tree', ...within },
  'asking-groups': { phase: 'asking-groups', ...within, tree },
  'asking-buckets': { phase: 'asking-buckets', ...within, tree },
  'asking-entities': { phase: 'asking-entities', ...within },
  'reading-entities': { phase: 'reading-entities', ...within, listed: [{ bucket: 7, digests: ['a'] }] },
  'asking-unknown': {
    phase: 'asking-unknown',
    ...within,
    edge: [],
    notListed: [],
    unknowns: [{ bucket: 7, digests: ['a'] }],
    answers: [],
  },
};
const full = encodeSum(1n);
const answers: { readonly [L in DigestAnswer['level']]: DigestAnswer } = {
  roots: { level: 'roots', differ: ['orders'] },
  groups: { level: 'groups', sums: new Array<string>(32).fill(full) },
  buckets: { level: 'buckets', groups: [{ group: 0, sums: new Array<string>(32).fill(full) }] },
  entities: { level: 'entities', buckets: [{ bucket: 7, digests: ['a'] }] },
  unknown: { level: 'unknown', entities: [] },
};
const waitsFor: { readonly [P in ComparePhaseName]: readonly [CompareEventType, ComparePhaseName] } = {
  idle: ['start', 'reading-roots'],
  'reading-roots': ['roots-read', 'asking-roots'],
  'asking-roots': ['answered', 'reading-tree'],
  'reading-tree': ['tree-read', 'asking-groups'],
  'asking-groups': ['answered', 'asking-buckets'],
  'asking-buckets': ['answered', 'asking-entities'],
  'asking-entities': ['answered', 'reading-entities'],
  'reading-entities': ['entities-read', 'asking-unknown'],
  'asking-unknown': ['answered', 'idle'],
};
const eventsFor = (phase: ComparePhaseName): { readonly [E in CompareEventType]: CompareEvent } => {
  const level = phase.startsWith('asking-') ? (phase.slice('asking-'.length) as DigestAnswer['level']) : 'roots';
  return {
    start: { type: 'start' },
    'roots-read': { type: 'roots-read', round: 5, roots: [] },
    'tree-read': { type: 'tree-read', round: 5, buckets: [] },
    'entities-read': { type: 'entities-read', round: 5, entities: [] },
    answered: { type: 'answered', round: 5, answer: answers[level] },
    failed: { type: 'failed', detail: '' },
    stop: { type: 'stop' },
  };
};

for (const phase of Object.keys(states) as ComparePhaseName[])
  test(`I20: from ${phase}, each event leads where the table says, with an effect that ends the new phase`, (t) => {
    const [awaited, following] = waitsFor[phase];
    const events = eventsFor(phase);
    for (const type of Object.keys(events) as CompareEventType[]) {
      const [next, effects] = compare(states[phase], events[type]);
      const ends = phase !== 'idle' && (type === 'failed' || type === 'stop');
      t.is(next.phase, ends ? 'idle' : type === awaited ? following : phase, type);
      if (next.phase === phase) t.deepEqual([next, effects], [states[phase], []], type);
      else if (next.phase === 'idle') t.is(effects.filter((effect) => effect.type === 'ended').length, 1);
      else t.is(effects.filter((effect) => 'round' in effect && effect.round === next.run.round).length, 1);
    }
  });

test('I20: a reply to an earlier round says nothing', (t) => {
  for (const phase of Object.keys(states) as ComparePhaseName[]) {
    const [awaited] = waitsFor[phase];
    const late = { ...eventsFor(phase)[awaited], round: 4 } as CompareEvent;
    if (awaited !== 'start') t.deepEqual(compare(states[phase], late), [states[phase], []]);
  }
});

test('I20: a comparison has a last round, whatever the Core answers', (t) => {
  const state: CompareState = { phase: 'asking-roots', run: { ...runMembers, asks: 1_000_000 } };
  const [reading] = compare(state, { type: 'answered', round: 5, answer: answers.roots });
  const [next, effects] = compare(reading, { type: 'tree-read', round: 6, buckets: [] });
  t.is(next.phase, 'idle');
  t.like(effects[0], { type: 'ended', outcome: { type: 'failed' } });
});
