import { type Database, isPostgres } from '@sgp/service-kit/database';
import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import { digestDocMaxChars, type StreamDigest } from '@sgp/shared/sync-digest';
import {
  addSums,
  createDigestDelta,
  createDigestTree,
  type DigestTree,
  encodeSum,
  shortOf,
  sumFromHex,
  sumToHex,
} from '@sgp/sync-engine/digest';
import type { Purger } from '../housekeeping.ts';
import type { AppliedBatch } from '../ingest/apply-batch.ts';
import type { Tenant } from '../ingest/check-change.ts';
import { streamWhere, tableOf } from '../ingest/entity-rows.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import { type BucketRow, decodeDelta, encodeDelta } from './digest-deltas.ts';

/**
 * The digests of what the Core has (docs/sync-protocol.md, Compare). A batch only appends what it changed; the sums are
 * brought up to date when somebody asks, and by housekeeping, so that pushes at once never wait for one another's buckets.
 */
export type DigestStore = Purger & {
  /** The root of each of these streams. */
  roots(tenant: Tenant, streams: readonly StreamName[]): Promise<readonly StreamDigest[]>;
  /** The sums of one stream. */
  tree(tenant: Tenant, stream: StreamName): Promise<Pick<DigestTree, 'groups' | 'buckets'>>;
  /** Short digests of the entities in these buckets. */
  entities(tenant: Tenant, stream: StreamName, buckets: readonly number[]): Promise<ReadonlyMap<number, string[]>>;
  /** What short digests stand for; those that are not here are left out. */
  unknown(
    tenant: Tenant,
    stream: StreamName,
    bucket: number,
    shorts: readonly string[],
  ): Promise<readonly KnownEntity[]>;
  /** Makes the sums of a stream anew from its rows: what was lost from a table by itself shows at the next comparison. */
  recount(tenant: Tenant, stream: StreamName, nowMs: number): Promise<void>;
};

export type KnownEntity = {
  readonly digest: string;
  readonly entityId: string;
  readonly version: number;
  readonly updatedAt: Hlc;
  /** Left out where it is too long for a listing. */
  readonly doc?: string;
};

type Batch = {
  readonly stream: StreamName;
  readonly tenant: Tenant;
  readonly batchId: string;
  readonly batch: Pick<AppliedBatch, 'written' | 'applied'>;
};

/** Appends what a batch changed, in its transaction. */
export async function writeDigestDelta(tx: Database, { stream, tenant, batchId, batch }: Batch): Promise<void> {
  if (batch.written.length === 0) return;
  const delta = createDigestDelta();
  for (const { bucket, digest, before } of batch.written) {
    delta.add(bucket, digest);
    if (before !== null) delta.remove(bucket, before);
  }
  const newest = batch.applied.map(({ change }) => change.updatedAt).reduce((a, b) => (a > b ? a : b));
  await tx('digest_deltas').insert({
    ...ofStream(tenant, stream),
    batch_id: batchId,
    newest,
    deltas: encodeDelta(delta),
  });
}

const ofStream = ({ companyId, establishmentId }: Tenant, stream: StreamName) => ({
  company_id: companyId,
  establishment_id: establishmentId,
  stream,
});

export function createDigestStore(db: Database): DigestStore {
  const bucketsOf = async (tx: Database, tenant: Tenant, stream: StreamName): Promise<readonly BucketRow[]> => {
    await lockStream(tx, tenant, stream);
    while ((await foldStep(tx, tenant, stream)) > 0);
    return readBuckets(tx, ofStream(tenant, stream));
  };
  const treeOf = (tenant: Tenant, stream: StreamName): Promise<DigestTree> =>
    db.transaction(async (tx) => createDigestTree(await bucketsOf(tx, tenant, stream)));

  return {
    async roots(tenant, streams) {
      const found: StreamDigest[] = [];
      for (const stream of streams) {
        found.push(
          await db.transaction(async (tx) => {
            const { sum, rows } = createDigestTree(await bucketsOf(tx, tenant, stream)).root();
            const head = await tx('digest_heads').where(ofStream(tenant, stream)).first('newest');
            return { stream, rows, root: encodeSum(sum), newest: rows === 0 ? null : head?.newest };
          }),
        );
      }
      return found;
    },
    tree: treeOf,
    async entities(tenant, stream, buckets) {
      const rows: readonly { readonly bucket: number; readonly digest: string }[] = await db(tableOf(stream).table)
        .where(streamWhere(stream, tenant))
        .whereIn('bucket', [...buckets])
        .select('bucket', 'digest');
      const listed = new Map<number, string[]>(buckets.map((bucket) => [bucket, []]));
      for (const { bucket, digest } of rows) listed.get(bucket)?.push(shortOf(digest));
      return listed;
    },
    async unknown(tenant, stream, bucket, shorts) {
      const { table, id } = tableOf(stream);
      const rows: readonly (KnownEntity & { readonly doc: string })[] = await db(table)
        .where(streamWhere(stream, tenant))
        .where({ bucket })
        .select({ digest: 'digest', entityId: id, version: 'version', updatedAt: 'updated_at', doc: 'doc' });
      const wanted = new Set(shorts);
      return rows
        .map(({ doc, ...row }) => ({
          ...row,
          digest: shortOf(row.digest),
          ...(doc.length <= digestDocMaxChars && { doc }),
        }))
        .filter(({ digest }) => wanted.has(digest));
    },
    recount: (tenant, stream, nowMs) => db.transaction((tx) => recount(tx, tenant, stream, nowMs)),
    async purge(nowMs) {
      await foldAll(db);
      await recountOldest(db, nowMs);
    },
  };
}

/** One at a time brings the sums of a stream up to date; SQLite's transactions hold the one write lock anyway. */
async function lockStream(tx: Database, { companyId, establishmentId }: Tenant, stream: StreamName): Promise<void> {
  if (!isPostgres(tx)) return;
  await tx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
    `digest ${companyId}/${establishmentId}/${stream}`,
  ]);
}

type Delta = { readonly deltas: string; readonly newest: string };
type StreamKey = ReturnType<typeof ofStream>;

const later = (a: string, b: string): string => (a > b ? a : b);

/** @returns how many batches were folded */
async function foldStep(tx: Database, tenant: Tenant, stream: StreamName): Promise<number> {
  const of = ofStream(tenant, stream);
  const key = 'company_id = ? and establishment_id = ? and stream = ?';
  const answer = await tx.raw(
    `delete from digest_deltas where ${key}
       and batch_id in (select batch_id from digest_deltas where ${key} limit ?) returning deltas, newest`,
    [...Object.values(of), ...Object.values(of), mirrorLimits.digestFoldMaxBatches],
  );
  const taken: readonly Delta[] = isPostgres(tx) ? answer.rows : answer;
  if (taken.length === 0) return 0;
  const rows = new Map((await readBuckets(tx, of)).map((row) => [row.bucket, row]));
  const touched = new Map<number, BucketRow>();
  for (const { bucket, sum, rows: more } of taken.flatMap(({ deltas }) => decodeDelta(deltas))) {
    const before = touched.get(bucket) ?? rows.get(bucket) ?? { sum: 0n, rows: 0 };
    touched.set(bucket, { bucket, sum: addSums(before.sum, sum), rows: before.rows + more });
  }
  await writeBuckets(tx, of, [...touched.values()]);
  await writeHead(tx, of, taken.map(({ newest }) => newest).reduce(later));
  return taken.length;
}

async function readBuckets(tx: Database, of: StreamKey): Promise<readonly BucketRow[]> {
  const rows: readonly { bucket: number; sum: string; rows: number }[] = await tx('digest_buckets')
    .where(of)
    .select('bucket', 'sum', 'rows');
  return rows.map((row) => ({ ...row, sum: sumFromHex(row.sum) }));
}

/** At most 1,024 rows of 6 values. */
async function writeBuckets(tx: Database, of: StreamKey, buckets: readonly BucketRow[]): Promise<void> {
  if (buckets.length === 0) return;
  await tx('digest_buckets')
    .insert(buckets.map(({ bucket, sum, rows }) => ({ ...of, bucket, sum: sumToHex(sum), rows })))
    .onConflict(['company_id', 'establishment_id', 'stream', 'bucket'])
    .merge(['sum', 'rows']);
}

async function writeHead(tx: Database, of: StreamKey, newest: string): Promise<void> {
  const greatest = isPostgres(tx) ? 'greatest' : 'max';
  await tx('digest_heads')
    .insert({ ...of, newest, recounted_at: 0 })
    .onConflict(['company_id', 'establishment_id', 'stream'])
    .merge({ newest: tx.raw(`${greatest}(digest_heads.newest, excluded.newest)`) });
}

type DigestedRow = { readonly bucket: number; readonly digest: string; readonly updated_at: string };

async function recount(tx: Database, tenant: Tenant, stream: StreamName, nowMs: number): Promise<void> {
  const of = ofStream(tenant, stream);
  await lockStream(tx, tenant, stream);
  const delta = createDigestDelta();
  const rows = await rowsAndNoDeltas(tx, tenant, stream);
  for (const { bucket, digest } of rows) delta.add(bucket, digest);
  await tx('digest_buckets').where(of).delete();
  await writeBuckets(tx, of, delta.entries());
  const newest = rows.reduce((max, row) => later(max, row.updated_at), '');
  await tx('digest_heads')
    .insert({ ...of, newest, recounted_at: nowMs })
    .onConflict(['company_id', 'establishment_id', 'stream'])
    .merge();
}

/**
 * Reads the rows of a stream and deletes the deltas that they contain already. PostgreSQL does both in one statement, so
 * that both see one state: a push that commits in between is in neither.
 */
async function rowsAndNoDeltas(tx: Database, tenant: Tenant, stream: StreamName): Promise<readonly DigestedRow[]> {
  const of = ofStream(tenant, stream);
  const deltas = tx('digest_deltas').where(of).delete();
  const rows = tx(tableOf(stream).table).where(streamWhere(stream, tenant)).select('bucket', 'digest', 'updated_at');
  if (isPostgres(tx)) return rows.with('gone', deltas);
  await deltas;
  return rows;
}

async function foldAll(db: Database): Promise<void> {
  const due: readonly StreamKey[] = await db('digest_deltas')
    .distinct('company_id', 'establishment_id', 'stream')
    .limit(mirrorLimits.digestStreamsPerSweepMax);
  for (const { company_id, establishment_id, stream } of due) {
    const tenant = { companyId: company_id, establishmentId: establishment_id };
    const step = (): Promise<number> =>
      db.transaction(async (tx) => {
        await lockStream(tx, tenant, stream);
        return foldStep(tx, tenant, stream);
      });
    while ((await step()) > 0);
  }
}

/** One stream in each sweep, each stream once a day. */
async function recountOldest(db: Database, nowMs: number): Promise<void> {
  const oldest: StreamKey | undefined = await db('digest_heads')
    .where('recounted_at', '<', nowMs - mirrorLimits.digestRecountEveryMs)
    .orderBy('recounted_at')
    .first('company_id', 'establishment_id', 'stream');
  if (!oldest) return;
  const { company_id, establishment_id, stream } = oldest;
  const tenant = { companyId: company_id, establishmentId: establishment_id };
  await db.transaction((tx) => recount(tx, tenant, stream, nowMs));
}
