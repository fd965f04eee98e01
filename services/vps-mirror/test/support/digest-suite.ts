import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyCoreDocument } from '@sgp/auth/core-document';
import { sha256Hex } from '@sgp/auth/digest';
import { publicSigningKey } from '@sgp/auth/signing-key';
import { migrate, openDatabase } from '@sgp/service-kit/database';
import { type Change, type StreamName, streamRules } from '@sgp/shared/sync';
import {
  type DigestAnswer,
  type DigestAsk,
  digestAnswerSchema,
  digestPath,
  receiptClaimsSchema,
} from '@sgp/shared/sync-digest';
import {
  bucketOf,
  createDigestTree,
  type DigestTree,
  differingBuckets,
  differingIndexes,
  differingShorts,
  encodeSum,
  entityDigest,
  shortOf,
} from '@sgp/sync-engine/digest';
import type { TestFn } from 'ava';
import fc from 'fast-check';
import { createDigestStore } from '../../src/compare/digest-store.ts';
import { migrations } from '../../src/migrations/list.ts';
import type { DatabaseMaker } from './databases.ts';
import {
  batchOf,
  batchV2Of,
  changeOf,
  createEdge,
  helloOf,
  newInstance,
  snapshotOf,
  stampAt,
  streamChange,
} from './edge.ts';
import { ackOf, type Bench, call, metric, openBench, push } from './mirror.ts';

type Level = DigestAsk['level'];
type Question = DigestAsk extends infer Ask
  ? Ask extends DigestAsk
    ? Omit<Ask, 'schemaVersion' | 'companyId' | 'establishmentId' | 'nodeId' | 'sentAtMs'>
    : never
  : never;
type Known = Pick<Change, 'entityId' | 'version' | 'hash' | 'updatedAt'>;

async function ask<L extends Level>(
  bench: Bench,
  question: Extract<Question, { level: L }>,
): Promise<Extract<DigestAnswer, { level: L }>> {
  const { companyId, establishmentId, nodeId } = bench.edge.record;
  const answer = await call(bench, digestPath, {
    ...{ schemaVersion: 2, companyId, establishmentId, nodeId, sentAtMs: Date.now() },
    ...question,
  });
  return digestAnswerSchema.parse(answer.json) as Extract<DigestAnswer, { level: L }>;
}

const digestOf = (each: Known): string => entityDigest(sha256Hex, each);
const bucketAt = ({ entityId }: Pick<Known, 'entityId'>): number => bucketOf(sha256Hex, entityId);

/** What an edge computes afresh from what it has. */
function freshTree(entities: readonly Known[]): DigestTree {
  const tree = createDigestTree();
  for (const each of entities) tree.add(bucketAt(each), digestOf(each));
  return tree;
}

function streamDigest(stream: StreamName, entities: readonly Known[]) {
  const { sum, rows } = freshTree(entities).root();
  const newest =
    entities
      .map(({ updatedAt }) => updatedAt)
      .sort()
      .at(-1) ?? null;
  return { stream, rows, root: encodeSum(sum), newest };
}

/** Narrows down as an edge does; returns what only one side has. */
async function compare(bench: Bench, stream: StreamName, mine: readonly Known[]) {
  const tree = freshTree(mine);
  const { sums } = await ask(bench, { level: 'groups', stream });
  const groups = differingIndexes(tree.groups(), sums);
  if (groups.length === 0) return { onlyMine: [], onlyTheirs: [] };
  const listed = differingBuckets(tree, (await ask(bench, { level: 'buckets', stream, groups: [...groups] })).groups);
  const { buckets } = await ask(bench, { level: 'entities', stream, buckets: [...listed] });
  const onlyMine: string[] = [];
  const onlyTheirs: string[] = [];
  for (const { bucket, digests } of buckets) {
    const here = mine.filter((each) => bucketAt(each) === bucket);
    const differ = differingShorts(
      here.map((each) => shortOf(digestOf(each))),
      digests,
    );
    onlyMine.push(
      ...here.filter((each) => differ.onlyMine.includes(shortOf(digestOf(each)))).map(({ entityId }) => entityId),
    );
    if (differ.onlyTheirs.length === 0) continue;
    const { entities } = await ask(bench, { level: 'unknown', stream, bucket, digests: [...differ.onlyTheirs] });
    onlyTheirs.push(...entities.map(({ entityId, version }) => `${entityId} ${version}`));
  }
  return { onlyMine: onlyMine.sort(), onlyTheirs: onlyTheirs.sort() };
}

const orders = (bench: Bench, count: number, firstSeq = 1): readonly Change[] =>
  Array.from({ length: count }, (_, i) => changeOf(snapshotOf(bench.edge), firstSeq + i));

/** What the mirror promises about comparisons, the same on every database. */
export function digestSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  const open = (): Promise<Bench> => openBench(makeDatabase);

  test.serial('equal: the Core signs a receipt, stores it, and the keyset verifies it', async (t) => {
    await using bench = await open();
    const { edge, mirror } = bench;
    await mirror.listed();
    const instance = newInstance(edge);
    await call(bench, '/internal/sync/hello', helloOf(edge, instance));
    const sent = orders(bench, 30);
    await call(bench, streamRules.orders.path, batchV2Of(edge, instance, { pushSeq: 1 }, sent));
    const customer = { customerId: edge.record.nodeId, name: 'Ana', firstName: 'Ana', createdAt: 1 };
    const other = streamChange(edge, 'customers', 31, { entityId: customer.customerId, payload: customer });
    await call(bench, streamRules.customers.path, batchV2Of(edge, instance, { pushSeq: 2 }, [other]));
    const streams = [streamDigest('orders', sent), streamDigest('customers', [other]), streamDigest('audit', [])];
    const { differ, receipt } = await ask(bench, { level: 'roots', streams });
    t.deepEqual(differ, []);
    const keyset = { keys: [{ ...publicSigningKey(mirror.syncKey), purpose: 'sync' as const }] };
    const claims = receiptClaimsSchema.parse(
      await verifyCoreDocument(String(receipt), keyset, {
        ...{ typ: 'sync-receipt+jwt', nodeId: edge.record.nodeId, nowMs: Date.now() },
      }),
    );
    t.deepEqual(claims.streams, streams);
    t.is(claims.establishmentId, edge.record.establishmentId);
    t.is((await mirror.db('sync_receipts').first()).receipt, receipt);
    t.is(await metric(mirror.metrics, 'sgp_mirror_digest_rounds_total', { level: 'roots' }), 1);
  });

  test.serial('different: no receipt, and the rounds name exactly what differs', async (t) => {
    await using bench = await open();
    await bench.mirror.listed();
    const sent = orders(bench, 200);
    await push(bench, batchOf(bench.edge, 1, sent));
    const [lost, older] = [sent[7] as Change, sent[90] as Change];
    const notSent = changeOf(snapshotOf(bench.edge), 900);
    // The edge lost one, has another in an older version, and one that the Core never had.
    const mine = [
      ...sent.filter((each) => each !== lost && each !== older),
      { ...older, version: 7, hash: 'b'.repeat(64) },
      notSent,
    ];
    const answer = await ask(bench, { level: 'roots', streams: [streamDigest('orders', mine)] });
    t.deepEqual(answer, { level: 'roots', differ: ['orders'] });
    t.is((await bench.mirror.db('sync_receipts')).length, 0);
    t.deepEqual(await compare(bench, 'orders', mine), {
      onlyMine: [older.entityId, notSent.entityId].sort(),
      onlyTheirs: [`${lost.entityId} 1`, `${older.entityId} 1`].sort(),
    });
  });

  test.serial(
    'a Core that was restored from a backup is found, and equal again after what differs was sent again',
    async (t) => {
      await using bench = await open();
      const { db } = bench.mirror;
      const before = orders(bench, 50);
      await push(bench, batchOf(bench.edge, 1, before));
      const tables = ['orders', 'digest_deltas', 'digest_buckets', 'digest_heads'];
      const backup = await Promise.all(tables.map((table) => db(table)));
      const after = orders(bench, 20, 51);
      const newer = before.slice(0, 5).map((each, i) => {
        const snapshot = snapshotOf(bench.edge, { orderId: each.entityId, version: 2 });
        return changeOf(snapshot, 71 + i);
      });
      await push(bench, batchOf(bench.edge, 2, [...after, ...newer]));
      for (const table of tables) await db(table).delete();
      for (const [i, table] of tables.entries()) if (backup[i]?.length) await db(table).insert(backup[i]);
      const mine = [...before.slice(5), ...after, ...newer];
      const found = await compare(bench, 'orders', mine);
      t.deepEqual(found.onlyMine, [...after, ...newer].map(({ entityId }) => entityId).sort());
      const again = [...after, ...newer].map((each, i) => ({ ...each, seq: 100 + i }));
      const { results } = ackOf(await push(bench, batchOf(bench.edge, 3, again)));
      t.deepEqual([...new Set(results.map(({ outcome }) => outcome))], ['applied']);
      t.deepEqual((await ask(bench, { level: 'roots', streams: [streamDigest('orders', mine)] })).differ, []);
    },
  );

  test.serial('rows that vanish from a table by themselves are found after the sums were made anew', async (t) => {
    await using bench = await open();
    const { db, digests } = bench.mirror;
    const sent = orders(bench, 40);
    await push(bench, batchOf(bench.edge, 1, sent));
    const roots = async () => (await ask(bench, { level: 'roots', streams: [streamDigest('orders', sent)] })).differ;
    t.deepEqual(await roots(), []);
    const gone = sent.slice(3, 6).map(({ entityId }) => entityId);
    await db('orders').whereIn('order_id', gone).delete();
    await digests.purge(Date.now());
    t.deepEqual(await roots(), ['orders']);
    t.deepEqual((await compare(bench, 'orders', sent)).onlyMine, gone.toSorted());
  });

  test.serial('a comparison is signed and of its own node, and asks only for what there is', async (t) => {
    await using bench = await open();
    const { companyId, establishmentId, nodeId } = bench.edge.record;
    const good = {
      schemaVersion: 2,
      companyId,
      establishmentId,
      nodeId,
      sentAtMs: Date.now(),
      level: 'groups',
      stream: 'orders',
    };
    t.is((await call(bench, digestPath, good)).status, 200);
    t.is((await call(bench, digestPath, { ...good, nodeId: companyId })).code, 'TENANT_MISMATCH');
    t.is((await call(bench, digestPath, { ...good, stream: 'users' })).code, 'BODY_INVALID');
    t.is((await call(bench, digestPath, { ...good, level: 'buckets', groups: [32] })).code, 'BODY_INVALID');
  });

  test.serial('orders that were there before there were digests are counted by the migration', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'sgp-mirror-'));
    await using fresh = await makeDatabase(dir);
    const db = openDatabase(fresh.url, { durability: 'full' });
    try {
      await migrate(db, migrations.slice(0, 5));
      const edges = [createEdge(), createEdge()];
      const stored = edges.flatMap((edge) => Array.from({ length: 600 }, () => changeOf(snapshotOf(edge), 1)));
      const rows = stored.map(({ payload, entityId, version, updatedAt, hash }) => ({
        ...{
          company_id: String(payload['companyId']),
          establishment_id: String(payload['establishmentId']),
          order_id: entityId,
        },
        ...{ version, updated_at: updatedAt, hash, status: 'received', batch_id: 'b', received_at: 1, doc: '{}' },
      }));
      await db.batchInsert('orders', rows, 100);
      await db('push_checkpoints').insert({
        ...{ node_id: 'n', epoch: 'e', push_seq: 7, acked_seq: 5, last_at: 1, skew_ms: 0 },
      });
      await migrate(db, migrations);
      t.like(await db('push_checkpoints').first(), { channel: 0, push_seq: 7, acked_seq: 5, max_seq: 5 });
      for (const [i, { record }] of edges.entries())
        t.deepEqual(await createDigestStore(db).roots(record, ['orders']), [
          streamDigest('orders', stored.slice(i * 600, (i + 1) * 600)),
        ]);
    } finally {
      await db.destroy();
      await rm(dir, { recursive: true });
    }
  });

  test.serial(
    'any interleaving and duplication of batches ends in the newest versions, and in their digests',
    async (t) => {
      await using bench = await open();
      const { edge, mirror } = bench;
      const instance = newInstance(edge);
      await call(bench, '/internal/sync/hello', helloOf(edge, instance));
      let seq = 0;
      const nextSeq = (): number => {
        seq += 1;
        return seq;
      };
      const plan = fc.record({
        /** Entities with as many versions. */
        versions: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }),
        sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }),
        order: fc.infiniteStream(fc.nat()),
        again: fc.array(fc.nat(), { maxLength: 8 }),
      });
      await fc.assert(
        fc.asyncProperty(plan, async ({ versions, sizes, order, again }) => {
          for (const table of ['orders', 'digest_deltas', 'digest_buckets', 'digest_heads'])
            await mirror.db(table).delete();
          const entities = versions.map((count) => {
            const { orderId } = snapshotOf(edge);
            return Array.from({ length: count }, (_, i) =>
              changeOf(
                snapshotOf(edge, { orderId, version: i + 1, updatedAt: stampAt(1000 + i, edge.record.nodeId) }),
                1,
              ),
            );
          });
          const log = entities.flat();
          const doubled = [...log, ...again.map((i) => log[i % log.length] as Change)];
          const shuffled = doubled
            .map((change) => ({ change, key: order.next().value ?? 0 }))
            .sort((a, b) => a.key - b.key);
          const batches: Change[][] = [];
          for (let i = 0, n = 0; i < shuffled.length; n += 1) {
            const size = sizes[n % sizes.length] ?? 1;
            batches.push(shuffled.slice(i, i + size).map(({ change }) => ({ ...change, seq: nextSeq() })));
            i += size;
          }
          mirror.clock.offsetMs += 10_000;
          const nowMs = Date.now() + mirror.clock.offsetMs;
          // Four channels at once, each in its own order.
          const lanes = [0, 1, 2, 3].map(async (channel) => {
            for (const [i, changes] of batches.entries()) {
              if (i % 4 !== channel) continue;
              const pushSeq = nextSeq();
              const answer = await call(
                bench,
                streamRules.orders.path,
                batchV2Of(edge, instance, { channel, pushSeq }, changes),
                { nowMs },
              );
              if (answer.status !== 200) throw new Error(answer.text);
            }
          });
          await Promise.all(lanes);
          const newest = entities.map((of) => of.at(-1) as Change);
          const rows = await mirror.db('orders').select('order_id', 'version', 'hash');
          const got = rows.map((row) => `${row.order_id} ${row.version} ${row.hash}`).sort();
          const wanted = newest.map((each) => `${each.entityId} ${each.version} ${each.hash}`).sort();
          const [root] = await mirror.digests.roots(edge.record, ['orders']);
          const fresh = streamDigest('orders', newest);
          return JSON.stringify([got, root]) === JSON.stringify([wanted, { ...fresh }]);
        }),
        { numRuns: 40 },
      );
      t.true(seq > 40);
    },
  );
}
