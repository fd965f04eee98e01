import { createBatchPicker } from '@sgp/sync-engine/batch';
import { compact } from '@sgp/sync-engine/compaction';
import { decide } from '@sgp/sync-engine/inbox';
import type { OutboxChange } from '@sgp/sync-engine/ports';
import test from 'ava';
import fc from 'fast-check';
import { change } from './support.ts';

/** A log as a node writes it: versions of each entity grow by one, seq grows by one. */
const logs = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 60 }).map((entities) => {
  const versions = new Map<number, number>();
  return entities.map((entity, index) => {
    const version = (versions.get(entity) ?? 0) + 1;
    versions.set(entity, version);
    return change(index + 1, entity, version);
  });
});

const applyAll = (changes: readonly OutboxChange[]): Record<string, string> => {
  const rows = new Map<string, OutboxChange>();
  for (const each of changes)
    if (decide(rows.get(each.entityId) ?? null, each).outcome === 'applied') rows.set(each.entityId, each);
  return Object.fromEntries([...rows].map(([id, row]) => [id, row.payload]).sort());
};

test('I4: applying the compacted log gives what applying the whole log gives', (t) => {
  fc.assert(
    fc.property(logs, (log) => {
      t.deepEqual(applyAll(compact(log)), applyAll(log));
      t.deepEqual(applyAll(compact(log).toReversed()), applyAll(log));
    }),
    { numRuns: 300 },
  );
});

test('I4: a compacted log before, after or between the whole log changes nothing', (t) => {
  fc.assert(
    fc.property(logs, fc.nat(60), (log, cut) => {
      const mixed = [...log.slice(0, cut), ...compact(log), ...log.slice(cut)];
      t.deepEqual(applyAll(mixed), applyAll(log));
    }),
    { numRuns: 300 },
  );
});

test('compaction keeps the newest version of each entity, newest change first', (t) => {
  const log = [change(1, 1, 1), change(2, 2, 1), change(3, 1, 2), change(4, 3, 1)];
  t.deepEqual(
    compact(log).map(({ seq }) => seq),
    [4, 3, 2],
  );
});

test('the picker takes from newest to oldest what compaction would keep, within its budget', (t) => {
  fc.assert(
    fc.property(logs, fc.integer({ min: 1, max: 8 }), (log, maxChanges) => {
      const picker = createBatchPicker<OutboxChange>({ maxChanges, maxBytes: Number.MAX_SAFE_INTEGER });
      for (const each of log.toReversed()) picker.offer(each);
      t.deepEqual(picker.picked, compact(log).slice(0, maxChanges));
    }),
    { numRuns: 300 },
  );
});

test('a change above the byte budget travels alone', (t) => {
  const picker = createBatchPicker<OutboxChange>({ maxChanges: 10, maxBytes: 5 });
  picker.offer(change(2, 2));
  picker.offer(change(1, 1));
  t.deepEqual(
    picker.picked.map(({ seq }) => seq),
    [2],
  );
});
