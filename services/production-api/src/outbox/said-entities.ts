import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { type StreamName, streamRules } from '@sgp/shared/sync';
import {
  addSums,
  bucketOf,
  createDigestDelta,
  type DigestDelta,
  emptyBucket,
  entityDigest,
  sumFromHex,
  sumToHex,
} from '@sgp/sync-engine/digest';
import { lineageAfter } from '@sgp/sync-engine/lineage';

/**
 * What this shop last said of each entity, and the sums over what the Core acknowledged in its newest version
 * (docs/sync-protocol.md §6.1). Both move in the transactions that write and acknowledge.
 */

export type Said = {
  readonly stream: StreamName;
  readonly entityId: string;
  readonly version: number;
  readonly updatedAt: string;
  readonly hash: string;
  readonly doc: string;
};

/**
 * Notes a new version: until it is acknowledged the entity is in no sum.
 * @returns the lineage that travels with it, as it is stored
 */
export async function noteSaid(
  tx: Database,
  { stream, entityId, version, updatedAt, hash, doc }: Said,
): Promise<{ readonly lineage: string | null }> {
  const key = { stream, entity_id: entityId };
  const before = await tx('sync_entities').where(key).first('bucket', 'settled_digest', 'digest', 'lineage');
  if (before?.settled_digest != null) {
    const delta = createDigestDelta();
    delta.remove(before.bucket, before.settled_digest);
    await moveSums(tx, stream, delta);
  }
  const said = {
    ...{ version, updated_at: updatedAt, hash, doc, settled_digest: null, lineage: lineageText(stream, before) },
    digest: entityDigest(sha256Hex, { entityId, version, hash }),
    bucket: bucketOf(sha256Hex, entityId),
  };
  await tx('sync_entities')
    .insert({ ...key, ...said })
    .onConflict(['stream', 'entity_id'])
    .merge(Object.keys(said));
  return said;
}

type LineageRow = { readonly digest: string; readonly settled_digest: string | null; readonly lineage: string | null };

/** What is written once replaces nothing, and needs none. */
function lineageText(stream: StreamName, before: LineageRow | undefined): string | null {
  if (streamRules[stream].kind === 'append') return null;
  const lineage = lineageAfter(
    before === undefined
      ? null
      : {
          digest: before.digest,
          settled: before.settled_digest !== null,
          lineage: before.lineage === null ? null : decodeLineage(before.lineage),
        },
  );
  return lineage === null ? null : lineage.join(' ');
}

export const decodeLineage = (text: string): string[] => text.split(' ').filter((short) => short !== '');

export type Acknowledged = { readonly entityId: string; readonly version: number };

/** Notes what the Core acknowledged; an entity whose newest version it is goes into the sums. */
export async function noteAcknowledged(
  tx: Database,
  stream: StreamName,
  done: readonly Acknowledged[],
  at: number,
): Promise<void> {
  const values = done.map(() => '(?, cast(? as bigint))').join(', ');
  const settled: readonly SettledRow[] = await rowsOf(
    tx,
    `with done(entity_id, version) as (values ${values})
     update sync_entities set acked_version = done.version, acked_at = ?,
       settled_digest = case when sync_entities.version = done.version then sync_entities.digest end
     from done
     where sync_entities.stream = ? and sync_entities.entity_id = done.entity_id
       and (sync_entities.acked_version < done.version
         or (sync_entities.settled_digest is null and sync_entities.version = done.version))
     returning sync_entities.bucket, sync_entities.settled_digest`,
    [...done.flatMap(({ entityId, version }) => [entityId, version]), at, stream],
  );
  const delta = createDigestDelta();
  for (const { bucket, settled_digest: digest } of settled) if (digest !== null) delta.add(bucket, digest);
  await moveSums(tx, stream, delta);
}

type SettledRow = { readonly bucket: number; readonly settled_digest: string | null };
type BucketRow = { readonly bucket: number; readonly sum: string; readonly rows: number };

/** Takes entities out of the sums whose present version is on its way again. */
export async function unsettle(tx: Database, stream: StreamName, entityIds: readonly string[]): Promise<void> {
  const rows: readonly SettledRow[] = await tx('sync_entities')
    .where({ stream })
    .whereIn('entity_id', [...entityIds])
    .whereNotNull('settled_digest')
    .select('bucket', 'settled_digest');
  const delta = createDigestDelta();
  for (const { bucket, settled_digest: digest } of rows) if (digest !== null) delta.remove(bucket, digest);
  await moveSums(tx, stream, delta);
  await tx('sync_entities')
    .where({ stream })
    .whereIn('entity_id', [...entityIds])
    .update({ settled_digest: null });
}

async function moveSums(tx: Database, stream: StreamName, delta: DigestDelta): Promise<void> {
  const moved = delta.entries();
  if (moved.length === 0) return;
  const rows: readonly BucketRow[] = await tx('digest_buckets')
    .where({ stream })
    .whereIn(
      'bucket',
      moved.map(({ bucket }) => bucket),
    )
    .select('bucket', 'sum', 'rows');
  const known = new Map(rows.map(({ bucket, sum, rows: n }) => [bucket, { sum: sumFromHex(sum), rows: n }]));
  await writeSums(
    tx,
    stream,
    moved.map(({ bucket, sum, rows: more }) => {
      const before = known.get(bucket) ?? emptyBucket;
      return { bucket, sum: sumToHex(addSums(before.sum, sum)), rows: before.rows + more };
    }),
  );
}

async function writeSums(tx: Database, stream: StreamName, rows: readonly BucketRow[]): Promise<void> {
  await tx('digest_buckets')
    .insert(rows.map((row) => ({ stream, ...row })))
    .onConflict(['stream', 'bucket'])
    .merge(['sum', 'rows']);
}

/** Counts the sums of these buckets anew from the entities. */
export async function recountSums(tx: Database, stream: StreamName, buckets: readonly number[]): Promise<void> {
  const rows: readonly { readonly bucket: number; readonly settled_digest: string }[] = await tx('sync_entities')
    .where({ stream })
    .whereIn('bucket', [...buckets])
    .whereNotNull('settled_digest')
    .select('bucket', 'settled_digest');
  const delta = createDigestDelta();
  for (const { bucket, settled_digest: digest } of rows) delta.add(bucket, digest);
  await tx('digest_buckets')
    .where({ stream })
    .whereIn('bucket', [...buckets])
    .delete();
  const counted = delta.entries().map((row) => ({ ...row, sum: sumToHex(row.sum) }));
  if (counted.length > 0) await writeSums(tx, stream, counted);
}

/** The two drivers wrap the rows of a raw statement differently. */
export async function rowsOf<Row>(
  tx: Database,
  sql: string,
  bindings: readonly (string | number | null)[],
): Promise<readonly Row[]> {
  const answer = await tx.raw(sql, [...bindings]);
  return Array.isArray(answer) ? answer : answer.rows;
}
