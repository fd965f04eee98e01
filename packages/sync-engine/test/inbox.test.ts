import { decide, decideBatch } from '@sgp/sync-engine/inbox';
import test from 'ava';
import fc from 'fast-check';
import { change, stamp } from './support.ts';

const row = { version: 5, updatedAt: stamp(500), hash: 'a'.repeat(64) };
const cases = [
  ['an unknown entity is applied', null, { version: 3, updatedAt: stamp(1), hash: row.hash }, 'applied'],
  ['a newer version with a newer stamp is applied', row, { version: 6, updatedAt: stamp(501), hash: 'b' }, 'applied'],
  [
    'a jump over versions that were compacted away is applied',
    row,
    { version: 9, updatedAt: stamp(900), hash: 'b' },
    'applied',
  ],
  [
    'the same version with the same hash is a duplicate',
    row,
    { version: 5, updatedAt: stamp(500), hash: row.hash },
    'duplicate',
  ],
  [
    'the same version with another hash is parked, never written',
    row,
    { version: 5, updatedAt: stamp(600), hash: 'b' },
    'parked',
  ],
  ['an older version with an older stamp is stale', row, { version: 4, updatedAt: stamp(400), hash: 'b' }, 'stale'],
  [
    'an older version with a newer stamp is parked: the history forked',
    row,
    { version: 4, updatedAt: stamp(600), hash: 'b' },
    'parked',
  ],
  [
    'a newer version with an older stamp is parked: the history forked',
    row,
    { version: 6, updatedAt: stamp(400), hash: 'b' },
    'parked',
  ],
] as const;

for (const [title, before, after, outcome] of cases)
  test(`I3: ${title}`, (t) => {
    t.is(decide(before, after).outcome, outcome);
  });

test('I3: a batch gives the same rows in whatever order its changes come, and says applied once per entity', (t) => {
  const changes = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 })), {
      selector: ([entity, version]) => `${entity}/${version}`,
      maxLength: 20,
    })
    .map((pairs) =>
      pairs.map(([entity, version]) => ({
        ...change(entity * 100 + version, entity, version),
        updatedAt: stamp(version),
      })),
    );
  fc.assert(
    fc.property(changes, fc.infiniteStream(fc.nat()), (batch, noise) => {
      const order = batch.map((each) => [noise.next().value ?? 0, each] as const).sort(([a], [b]) => a - b);
      const { decisions, written } = decideBatch(batch, () => null);
      const shuffled = decideBatch(
        order.map(([, each]) => each),
        () => null,
      );
      t.deepEqual(new Map([...written].sort()), new Map([...shuffled.written].sort()));
      const applied = [...decisions.values()].filter(({ outcome }) => outcome === 'applied').length;
      t.is(applied, new Set(batch.map(({ entityId }) => entityId)).size);
      t.is(decisions.size, batch.length);
    }),
    { numRuns: 200 },
  );
});

test('I3: a batch that arrives twice changes nothing the second time', (t) => {
  const batch = [change(1, 1, 1), change(2, 1, 2), change(3, 2, 1)];
  const first = decideBatch(batch, () => null);
  const again = decideBatch(batch, ({ stream, entityId }) => first.written.get(`${stream}/${entityId}`) ?? null);
  t.is(again.written.size, 0);
  t.deepEqual([...again.decisions.values()].map(({ outcome }) => outcome).sort(), ['duplicate', 'duplicate', 'stale']);
});

test('a change that cannot be read is parked with its reason and the rest goes on', (t) => {
  const reason = { code: 'BODY_INVALID', detail: 'no number' } as const;
  const { decisions, written } = decideBatch(
    [change(1, 1), change(2, 2)],
    () => null,
    ({ seq }) => (seq === 1 ? reason : null),
  );
  t.deepEqual(decisions.get(1), { outcome: 'parked', reason });
  t.deepEqual(decisions.get(2), { outcome: 'applied' });
  t.is(written.size, 1);
});
