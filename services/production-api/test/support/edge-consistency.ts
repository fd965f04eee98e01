import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { lanes } from '@sgp/shared/sync';
import { bucketOf, createDigestDelta, entityDigest, sumToHex } from '@sgp/sync-engine/digest';
import type { ExecutionContext } from 'ava';
import { readCounts } from '../../src/outbox/outbox-head.ts';

/** Holds what the outbox keeps beside its rows against the rows themselves. */
export async function isConsistent(t: ExecutionContext, db: Database): Promise<void> {
  const rows = await db('outbox').select('lane', 'parked_at', 'stream', 'entity_id', 'version');
  const counts = await readCounts(db);
  const open = rows.filter((row) => row.parked_at === null);
  t.deepEqual(
    counts.openByLane,
    Object.fromEntries(lanes.map((lane) => [lane, open.filter((row) => row.lane === lane).length])) as never,
    'the counts are those of the rows',
  );
  t.is(counts.parked, rows.length - open.length);

  const waiting = new Set(rows.map((row) => `${row.stream}/${row.entity_id}/${row.version}`));
  const entities = await db('sync_entities');
  const sums = new Map<string, ReturnType<typeof createDigestDelta>>();
  for (const row of entities) {
    t.is(row.digest, entityDigest(sha256Hex, { entityId: row.entity_id, version: row.version, hash: row.hash }));
    t.is(row.bucket, bucketOf(sha256Hex, row.entity_id));
    t.is(row.hash, sha256Hex(row.doc));
    const isSettled = !waiting.has(`${row.stream}/${row.entity_id}/${row.version}`);
    t.is(row.settled_digest, isSettled ? row.digest : null, 'settled is what is acknowledged and not on its way again');
    if (!isSettled) continue;
    t.is(row.acked_version, row.version);
    const sum = sums.get(row.stream) ?? createDigestDelta();
    sum.add(row.bucket, row.digest);
    sums.set(row.stream, sum);
  }
  const expected = [...sums].flatMap(([stream, sum]) =>
    sum.entries().map((entry) => `${stream}/${entry.bucket}/${sumToHex(entry.sum)}/${entry.rows}`),
  );
  const stored = await db('digest_buckets').where('rows', '>', 0);
  t.deepEqual(stored.map((row) => `${row.stream}/${row.bucket}/${row.sum}/${row.rows}`).sort(), expected.sort());
}
