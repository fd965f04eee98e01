import { type BucketSum, type DigestDelta, sumFromHex, sumToHex } from '@sgp/sync-engine/digest';

/** What a batch changes in the sums of a stream, as text: `[[bucket, sum in hex, rows], …]`. */

export type BucketRow = BucketSum & { readonly bucket: number };

export const encodeDelta = (delta: Pick<DigestDelta, 'entries'>): string =>
  JSON.stringify(delta.entries().map(({ bucket, sum, rows }) => [bucket, sumToHex(sum), rows]));

export const decodeDelta = (text: string): readonly BucketRow[] =>
  (JSON.parse(text) as readonly (readonly [number, string, number])[]).map(([bucket, sum, rows]) => ({
    bucket,
    sum: sumFromHex(sum),
    rows,
  }));
