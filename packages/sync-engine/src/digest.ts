import { digestBuckets, digestBucketsPerGroup, digestGroups, digestShortBytes } from '@sgp/shared/sync-digest';

/**
 * Digests of sets of entities (docs/sync-protocol.md §6.1): the sum of the entities' digests modulo 2^128, for 1,024
 * buckets in 32 groups. A sum, because an XOR would hide an entity that is counted twice.
 */

/** SHA-256 of the text's UTF-8 form, as 64 hex digits. */
export type Sha256Hex = (text: string) => string;
/** 128 bits. */
export type Sum = bigint;

const sumMask = (1n << 128n) - 1n;
const hexDigits = 32;

export type DigestedEntity = { readonly entityId: string; readonly version: number; readonly hash: string };

/** 32 hex digits: what one entity adds to its bucket. */
export const entityDigest = (sha256: Sha256Hex, { entityId, version, hash }: DigestedEntity): string =>
  sha256(`${entityId}/${version}/${hash}`).slice(0, hexDigits);

/** The first 10 bits of SHA-256(`entityId`). */
export const bucketOf = (sha256: Sha256Hex, entityId: string): number =>
  Number.parseInt(sha256(entityId).slice(0, 4), 16) >>> 6;

export const groupOf = (bucket: number): number => Math.floor(bucket / digestBucketsPerGroup);

export const sumFromHex = (hex: string): Sum => BigInt(`0x${hex}`);
export const sumToHex = (sum: Sum): string => sum.toString(16).padStart(hexDigits, '0');
export const addSums = (a: Sum, b: Sum): Sum => (a + b) & sumMask;
export const subtractSums = (a: Sum, b: Sum): Sum => (a - b) & sumMask;

const sextets = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

/** base64url without padding, three hex digits to two characters: the engine knows no Buffer. */
function base64urlOfHex(hex: string): string {
  let text = '';
  for (let i = 0; i < hex.length; i += 3) {
    const bits = Number.parseInt(hex.slice(i, i + 3).padEnd(3, '0'), 16);
    text += `${sextets[bits >> 6]}${sextets[bits & 63]}`;
  }
  return text.slice(0, Math.ceil((hex.length * 4) / 6));
}

/** As it travels: base64url of 16 bytes. */
export const encodeSum = (sum: Sum): string => base64urlOfHex(sumToHex(sum));
/** As a listing names an entity: base64url of the first 8 bytes of its digest. */
export const shortOf = (digest: string): string => base64urlOfHex(digest.slice(0, digestShortBytes * 2));

export type BucketSum = { readonly sum: Sum; readonly rows: number };
export const emptyBucket: BucketSum = { sum: 0n, rows: 0 };

/** What a batch does to the buckets: rows by bucket, to be added to those that are stored. */
export type DigestDelta = {
  /** @param digest 32 hex digits */
  add(bucket: number, digest: string): void;
  remove(bucket: number, digest: string): void;
  /** `rows` may be negative. A bucket in which nothing is different is left out. */
  entries(): readonly (BucketSum & { readonly bucket: number })[];
};

export function createDigestDelta(): DigestDelta {
  const buckets = new Map<number, BucketSum>();
  const put = (bucket: number, next: BucketSum) => buckets.set(bucket, next);
  const at = (bucket: number) => buckets.get(bucket) ?? emptyBucket;
  return {
    add(bucket, digest) {
      const { sum, rows } = at(bucket);
      put(bucket, { sum: addSums(sum, sumFromHex(digest)), rows: rows + 1 });
    },
    remove(bucket, digest) {
      const { sum, rows } = at(bucket);
      put(bucket, { sum: subtractSums(sum, sumFromHex(digest)), rows: rows - 1 });
    },
    entries: () =>
      [...buckets]
        .filter(([, { sum, rows }]) => sum !== 0n || rows !== 0)
        .map(([bucket, each]) => ({ bucket, ...each }))
        .sort((a, b) => a.bucket - b.bucket),
  };
}

/** The sums of one stream, at each level. */
export type DigestTree = {
  add(bucket: number, digest: string): void;
  remove(bucket: number, digest: string): void;
  /** A row as stored, or a delta. */
  addBucket(row: BucketSum & { readonly bucket: number }): void;
  root(): BucketSum;
  /** Of all groups. */
  groups(): readonly Sum[];
  /** Of the buckets of one group. */
  buckets(group: number): readonly Sum[];
};

/** @param stored the rows that are not empty */
export function createDigestTree(stored: readonly (BucketSum & { readonly bucket: number })[] = []): DigestTree {
  const buckets = new Array<Sum>(digestBuckets).fill(0n);
  const groups = new Array<Sum>(digestGroups).fill(0n);
  let root: Sum = 0n;
  let rows = 0;
  const addTo = (bucket: number, sum: Sum, more: number) => {
    const group = groupOf(bucket);
    buckets[bucket] = addSums(buckets[bucket] ?? 0n, sum);
    groups[group] = addSums(groups[group] ?? 0n, sum);
    root = addSums(root, sum);
    rows += more;
  };
  for (const { bucket, sum, rows: more } of stored) addTo(bucket, sum, more);
  return {
    add: (bucket, digest) => addTo(bucket, sumFromHex(digest), 1),
    remove: (bucket, digest) => addTo(bucket, subtractSums(0n, sumFromHex(digest)), -1),
    addBucket: ({ bucket, sum, rows: more }) => addTo(bucket, sum, more),
    root: () => ({ sum: root, rows }),
    groups: () => groups.slice(),
    buckets: (group) => buckets.slice(group * digestBucketsPerGroup, (group + 1) * digestBucketsPerGroup),
  };
}

// --- narrowing down: what of one round is asked in the next ---

/** Indexes at which the encoded sums of the two sides differ. */
export const differingIndexes = (mine: readonly Sum[], theirs: readonly string[]): readonly number[] =>
  mine.flatMap((sum, i) => (encodeSum(sum) === theirs[i] ? [] : [i]));

/** The buckets that differ, from the answer to the `buckets` round. */
export const differingBuckets = (
  tree: Pick<DigestTree, 'buckets'>,
  answered: readonly { readonly group: number; readonly sums: readonly string[] }[],
): readonly number[] =>
  answered.flatMap(({ group, sums }) =>
    differingIndexes(tree.buckets(group), sums).map((i) => group * digestBucketsPerGroup + i),
  );

/** Short digests that only one side lists; one that is listed twice on one side shows. */
export function differingShorts(
  mine: readonly string[],
  theirs: readonly string[],
): { readonly onlyMine: readonly string[]; readonly onlyTheirs: readonly string[] } {
  const counts = new Map<string, number>();
  for (const short of mine) counts.set(short, (counts.get(short) ?? 0) + 1);
  for (const short of theirs) counts.set(short, (counts.get(short) ?? 0) - 1);
  const entries = [...counts];
  return {
    onlyMine: entries.filter(([, count]) => count > 0).map(([short]) => short),
    onlyTheirs: entries.filter(([, count]) => count < 0).map(([short]) => short),
  };
}
