import { limits } from '@sgp/shared/limits';
import { shortOf } from '@sgp/sync-engine/digest';
import { isOverwrite, type Lineage, lineageAfter } from '@sgp/sync-engine/lineage';
import test from 'ava';

const digest = (version: number): string => version.toString(16).padStart(16, '0').padEnd(32, 'f');

/** Writes `count` versions; the Core acknowledges those that `isAcked` says before the next is written. */
function write(count: number, isAcked: (version: number) => boolean): Lineage | null {
  let lineage = lineageAfter(null);
  for (let version = 1; version < count; version += 1)
    lineage = lineageAfter({ digest: digest(version), settled: isAcked(version), lineage });
  return lineage;
}

test('I30: what was acknowledged last, and what was written since, is known however many versions follow', (t) => {
  for (const acked of [1, 5, 30])
    for (const count of [acked + 1, acked + 3, acked + 100]) {
      const lineage = write(count, (version) => version === acked);
      t.false(isOverwrite(lineage, digest(acked)), `${acked} acknowledged of ${count}`);
      t.false(isOverwrite(lineage, digest(count - 1)));
      t.true((lineage ?? []).length <= limits.syncLineageMax);
    }
});

test('I30: a content that this disk never had is an overwrite, and nothing that stood is none', (t) => {
  const lineage = write(4, () => true);
  t.true(isOverwrite(lineage, digest(99)));
  t.true(isOverwrite([], digest(1)), 'a first version knows of nothing');
  t.false(isOverwrite(lineage, null));
});

test('what was written before lineages were kept claims nothing, until a version of it is acknowledged', (t) => {
  const unknown = { digest: digest(1), settled: false, lineage: null };
  t.is(lineageAfter(unknown), null);
  t.false(isOverwrite(null, digest(7)));
  t.false(isOverwrite(undefined, digest(7)));
  t.deepEqual(lineageAfter({ ...unknown, settled: true }), [shortOf(digest(1))]);
});
