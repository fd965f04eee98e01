import { sha256Hex } from '@sgp/auth/digest';
import { type Database, isPostgres } from '@sgp/service-kit/database';
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
  const table = doneTable(tx, done);
  // A list of keys and no join, because SQLite would walk through the whole stream for it.
  const settled = await rowsOf<SettledRow & { readonly entity_id: string }>(
    tx,
    `with ${table.sql}
     update sync_entities set acked_version = version, acked_at = ?, settled_digest = digest
     where stream = ? and (entity_id, version) in (select entity_id, version from done)
       and (acked_version < version or settled_digest is null)
     returning entity_id, bucket, settled_digest`,
    [...table.bindings, at, stream],
  );
  const delta = createDigestDelta();
  for (const { bucket, settled_digest: digest } of settled) if (digest !== null) delta.add(bucket, digest);
  await moveSums(tx, stream, delta);

  const newest = new Set(settled.map((row) => row.entity_id));
  // Few: a newer version was written while this one travelled, or the acknowledgement came again.
  for (const { entityId, version } of done.filter((each) => !newest.has(each.entityId)))
    await tx('sync_entities')
      .where({ stream, entity_id: entityId })
      .where('acked_version', '<', version)
      .update({ acked_version: version, acked_at: at });
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

export type DoneTable = { readonly sql: string; readonly bindings: readonly unknown[] };

/** Versions as the common table `done(entity_id, version)`, in a parameter or two: thousands would be parsed anew each time. */
export function doneTable(tx: Database, done: readonly Acknowledged[]): DoneTable {
  const head = 'done(entity_id, version) as';
  if (isPostgres(tx))
    return {
      sql: `${head} (select * from unnest(?::text[], ?::bigint[]))`,
      bindings: [done.map(({ entityId }) => entityId), done.map(({ version }) => version)],
    };
  return {
    sql: `${head} (select value ->> 0, value ->> 1 from json_each(?))`,
    bindings: [JSON.stringify(done.map(({ entityId, version }) => [entityId, version]))],
  };
}

/** The two drivers wrap the rows of a raw statement differently. */
export async function rowsOf<Row>(tx: Database, sql: string, bindings: readonly unknown[]): Promise<readonly Row[]> {
  const answer = await tx.raw(sql, bindings as never);
  return Array.isArray(answer) ? answer : answer.rows;
}
