import { createHash } from 'node:crypto';
import { digestAnswerSchema, digestBuckets, digestGroups } from '@sgp/shared/sync-digest';
import {
  addSums,
  bucketOf,
  createDigestDelta,
  createDigestTree,
  type DigestTree,
  differingBuckets,
  differingIndexes,
  differingShorts,
  encodeSum,
  entityDigest,
  groupOf,
  shortOf,
  subtractSums,
  sumFromHex,
  sumToHex,
} from '@sgp/sync-engine/digest';
import test from 'ava';
import fc from 'fast-check';
import { entity } from './support.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hex16 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const members = fc.array(fc.record({ bucket: fc.integer({ min: 0, max: digestBuckets - 1 }), digest: hex16 }), {
  maxLength: 30,
});
const imageOf = (tree: DigestTree) => ({
  root: tree.root(),
  groups: tree.groups(),
  buckets: Array.from({ length: digestGroups }, (_, group) => tree.buckets(group)),
});

test('I16: the digest of a set does not depend on the order of additions, removals and replacements', (t) => {
  const sets = fc.tuple(members, members).chain(([kept, passing]) => {
    const steps = [
      ...kept.map((each) => ({ ...each, act: 'add' as const })),
      ...passing.flatMap((each) => [
        { ...each, act: 'add' as const },
        { ...each, act: 'remove' as const },
      ]),
    ];
    return fc.tuple(fc.constant(kept), fc.shuffledSubarray(steps, { minLength: steps.length }));
  });
  fc.assert(
    fc.property(sets, ([kept, steps]) => {
      const direct = createDigestTree();
      for (const { bucket, digest } of kept) direct.add(bucket, digest);
      const wandering = createDigestTree();
      const delta = createDigestDelta();
      for (const { act, bucket, digest } of steps) {
        wandering[act](bucket, digest);
        delta[act](bucket, digest);
      }
      t.deepEqual(imageOf(wandering), imageOf(direct));
      t.deepEqual(imageOf(createDigestTree(delta.entries())), imageOf(direct));
    }),
    { numRuns: 300 },
  );
});

test('I16: replacing is removing and adding, whether at once or as a stored delta', (t) => {
  fc.assert(
    fc.property(members, fc.nat(digestBuckets - 1), hex16, hex16, (others, bucket, before, after) => {
      const stored = createDigestDelta();
      for (const each of [...others, { bucket, digest: before }]) stored.add(each.bucket, each.digest);
      const change = createDigestDelta();
      change.remove(bucket, before);
      change.add(bucket, after);
      const tree = createDigestTree(stored.entries());
      for (const row of change.entries()) tree.addBucket(row);
      const direct = createDigestTree();
      for (const each of [...others, { bucket, digest: after }]) direct.add(each.bucket, each.digest);
      t.deepEqual(imageOf(tree), imageOf(direct));
    }),
    { numRuns: 200 },
  );
});

test('I16: an entity that is counted twice shows at every level', (t) => {
  const [digest, bucket] = [entityDigest(sha256, { entityId: entity(1), version: 1, hash: 'a' }), 77];
  const once = createDigestTree();
  once.add(bucket, digest);
  const twice = createDigestTree([{ bucket, sum: once.root().sum, rows: 1 }]);
  twice.add(bucket, digest);
  t.deepEqual(differingIndexes(once.groups(), twice.groups().map(encodeSum)), [groupOf(bucket)]);
  t.deepEqual(
    differingBuckets(once, [{ group: groupOf(bucket), sums: twice.buckets(groupOf(bucket)).map(encodeSum) }]),
    [bucket],
  );
  t.not(once.root().sum, twice.root().sum);
  t.deepEqual(differingShorts([shortOf(digest)], [shortOf(digest), shortOf(digest)]).onlyTheirs, [shortOf(digest)]);
});

test('sums wrap at 2^128, and subtracting undoes adding', (t) => {
  fc.assert(
    fc.property(hex16, hex16, (a, b) => {
      const sum = addSums(sumFromHex(a), sumFromHex(b));
      t.is(sumToHex(sum).length, 32);
      t.is(sumToHex(subtractSums(sum, sumFromHex(b))), a);
    }),
  );
  t.is(addSums(sumFromHex('f'.repeat(32)), 1n), 0n);
});

test('sums and short digests travel as the base64url of their bytes', (t) => {
  fc.assert(
    fc.property(hex16, (hex) => {
      const bytes = Buffer.from(hex, 'hex');
      t.is(encodeSum(sumFromHex(hex)), bytes.toString('base64url'));
      t.is(shortOf(hex), bytes.subarray(0, 8).toString('base64url'));
    }),
  );
  const sums = new Array<string>(digestGroups).fill(encodeSum(0n));
  t.notThrows(() => digestAnswerSchema.parse({ level: 'groups', sums }));
});

test('an entity is in the bucket of the first ten bits of its hash, and its version and hash are in its digest', (t) => {
  const id = entity(1);
  const [first = 0, second = 0] = createHash('sha256').update(id).digest();
  t.is(bucketOf(sha256, id), first * 4 + (second >> 6));
  const digest = entityDigest(sha256, { entityId: id, version: 7, hash: 'ab' });
  t.is(digest, sha256(`${id}/7/ab`).slice(0, 32));
});

test('a batch that changes nothing leaves no delta', (t) => {
  const delta = createDigestDelta();
  delta.add(3, 'ab'.repeat(16));
  delta.remove(3, 'ab'.repeat(16));
  t.deepEqual(delta.entries(), []);
});

test('one change costs at most 10 µs, and 100,000 entities are built in under three seconds', (t) => {
  const count = 100_000;
  const entities = Array.from({ length: count }, (_, i) => ({ entityId: entity(i), version: 1, hash: 'a'.repeat(64) }));
  const rows = entities.map((each) => ({
    bucket: bucketOf(sha256, each.entityId),
    digest: entityDigest(sha256, each),
  }));
  const buildStart = performance.now();
  const tree = createDigestTree();
  for (const each of entities) tree.add(bucketOf(sha256, each.entityId), entityDigest(sha256, each));
  const buildMs = performance.now() - buildStart;
  const updateStart = performance.now();
  for (const { bucket, digest } of rows) {
    tree.remove(bucket, digest);
    tree.add(bucket, digest);
  }
  const updateUs = ((performance.now() - updateStart) * 1000) / count;
  t.log(`build of ${count} with hashing ${buildMs.toFixed(0)} ms; replacing one ${updateUs.toFixed(2)} µs`);
  t.true(updateUs <= 10, `${updateUs} µs`);
  t.true(buildMs <= 3000, `${buildMs} ms`);
  t.is(tree.root().rows, count);
});
