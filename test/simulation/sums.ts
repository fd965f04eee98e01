import {
  addSums,
  type BucketSum,
  bucketOf,
  emptyBucket,
  entityDigest,
  subtractSums,
  sumFromHex,
} from '@sgp/sync-engine/digest';
import { sha256Hex } from './hash.ts';

/** Bucket sums as both sides store them, by `{scope}/{bucket}`. */
export type Sums = Map<string, BucketSum>;

export const digestOf = (entityId: string, version: number, contentHash: string): string =>
  entityDigest(sha256Hex, { entityId, version, hash: contentHash });

const buckets = new Map<string, number>();
/** Entity ids are the same in every run, so the hash of each is taken once. */
export function bucketOfEntity(entityId: string): number {
  let bucket = buckets.get(entityId);
  if (bucket === undefined) {
    bucket = bucketOf(sha256Hex, entityId);
    buckets.set(entityId, bucket);
  }
  return bucket;
}

export function addTo(sums: Sums, scope: string, entityId: string, digest: string, times: 1 | -1): void {
  const key = `${scope}/${bucketOfEntity(entityId)}`;
  const { sum, rows } = sums.get(key) ?? emptyBucket;
  const next = times === 1 ? addSums(sum, sumFromHex(digest)) : subtractSums(sum, sumFromHex(digest));
  if (next === 0n && rows + times === 0) sums.delete(key);
  else sums.set(key, { sum: next, rows: rows + times });
}

/** The stored rows of one scope. */
export function storedOf(sums: Sums, scope: string): readonly (BucketSum & { readonly bucket: number })[] {
  const prefix = `${scope}/`;
  return [...sums]
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, each]) => ({ bucket: Number(key.slice(prefix.length)), ...each }));
}

export const sameSums = (a: Sums, b: Sums): boolean =>
  a.size === b.size && [...a].every(([key, { sum, rows }]) => b.get(key)?.sum === sum && b.get(key)?.rows === rows);
