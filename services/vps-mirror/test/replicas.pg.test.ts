import { sha256Hex } from '@sgp/auth/digest';
import { newId } from '@sgp/service-kit/ids';
import { type Change, streamRules } from '@sgp/shared/sync';
import { bucketOf, createDigestTree, encodeSum, entityDigest } from '@sgp/sync-engine/digest';
import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import {
  batchV2Of,
  changeOf,
  createEdge,
  type Edge,
  helloOf,
  newInstance,
  snapshotOf,
  stampAt,
  streamChange,
} from './support/edge.ts';
import { ackOf, call, metric, openBench, startMirror } from './support/mirror.ts';

const channels = [0, 1, 2, 3] as const;
const rounds = 12;

/** The same 40 orders in a new version, in another order each time. */
function crossing(edge: Edge, ids: readonly string[], version: number): readonly Change[] {
  const changes = ids.map((orderId, i) =>
    changeOf(
      snapshotOf(edge, { orderId, version, updatedAt: stampAt(1000 + version, edge.record.nodeId) }),
      version * 100 + i + 1,
    ),
  );
  return version % 2 === 0 ? changes : changes.toReversed();
}

test.serial(
  'two replicas, four channels each with crossing keys: no deadlock, the newest stands, the sums are right',
  async (t) => {
    await using bench = await openBench(freshPostgres);
    await using second = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
    const { edge } = bench;
    const instance = newInstance(edge);
    await call(bench, '/internal/sync/hello', helloOf(edge, instance));
    const ids = Array.from({ length: 40 }, () => newId());
    let version = 0;
    const push = async (channel: number, pushSeq: number): Promise<void> => {
      version += 1;
      const mirror = (channel + pushSeq) % 2 === 0 ? bench.mirror : second;
      const batch = batchV2Of(edge, instance, { channel, pushSeq }, crossing(edge, ids, version));
      const { results } = ackOf(await call({ mirror, edge }, streamRules.orders.path, batch));
      t.true(results.every(({ outcome }) => outcome === 'applied' || outcome === 'stale'));
    };
    const run = async (channel: number): Promise<void> => {
      for (let pushSeq = 1; pushSeq <= rounds; pushSeq += 1) await push(channel, pushSeq);
    };
    // Comparisons go on meanwhile: they add up what the pushes append.
    const compare = async (): Promise<void> => {
      for (let n = 0; n < rounds; n += 1) await (n % 2 ? bench.mirror : second).digests.roots(edge.record, ['orders']);
    };
    await Promise.all([...channels.map(run), compare(), compare()]);

    const rows = await bench.mirror.db('orders').select('order_id', 'version', 'hash');
    t.deepEqual([...new Set(rows.map((row) => row.version))], [rounds * channels.length]);
    const tree = createDigestTree();
    for (const { order_id: entityId, version: of, hash } of rows)
      tree.add(bucketOf(sha256Hex, entityId), entityDigest(sha256Hex, { entityId, version: of, hash }));
    for (const { digests } of [bench.mirror, second])
      t.like(await digests.roots(edge.record, ['orders']), [{ rows: 40, root: encodeSum(tree.root().sum) }] as never);
    for (const { metrics } of [bench.mirror, second]) t.is(await metric(metrics, 'sgp_mirror_refused_total'), 0);
  },
);

test.serial('establishments of one company edit at once at two replicas: each edit is merged once', async (t) => {
  await using bench = await openBench(freshPostgres);
  await using second = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
  const { companyId } = bench.edge.record;
  const edges = [bench.edge, ...[1, 2, 3].map(() => bench.enrol(createEdge({ companyId })))];
  const items = Array.from({ length: 10 }, () => newId());
  const work = edges.map(async (edge, n) => {
    const mirror = n % 2 === 0 ? bench.mirror : second;
    const instance = newInstance(edge);
    await call({ mirror, edge }, '/internal/sync/hello', helloOf(edge, instance));
    for (let pushSeq = 1; pushSeq <= 5; pushSeq += 1) {
      const at = stampAt(1_763_768_193_000 + pushSeq, edge.record.nodeId);
      const entityIds = n % 2 === 0 ? items : items.toReversed();
      const changes = entityIds.map((entityId, i) => {
        const editId = newId();
        const fields = { leadDays: { value: n * 10 + pushSeq, saw: null } };
        const payload = { editId, kind: 'catalogue', entityId, at, who: 'Ana', fields };
        return streamChange(edge, 'edits', pushSeq * 10 + i, { entityId: editId, payload });
      });
      const answer = await call(
        { mirror, edge },
        streamRules.edits.path,
        batchV2Of(edge, instance, { pushSeq }, changes),
      );
      t.true(ackOf(answer).results.every(({ outcome }) => outcome === 'applied'));
    }
  });
  await Promise.all(work);
  const entities = await bench.mirror.db('entities').count({ n: '*' }).first();
  t.is(Number(entities?.['n']), edges.length * 5 * items.length);
  t.is((await bench.mirror.db('shared_entities')).length, items.length);
});

test.serial('a handshake waits for the pushes of the start before, and stops those that come later', async (t) => {
  await using bench = await openBench(freshPostgres);
  await using second = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
  const { edge } = bench;
  const first = newInstance(edge);
  await call(bench, '/internal/sync/hello', helloOf(edge, first));
  const pushes = channels.map((channel) =>
    call(
      bench,
      streamRules.orders.path,
      batchV2Of(edge, first, { channel, pushSeq: 1 }, [changeOf(snapshotOf(edge), channel + 1)]),
    ),
  );
  const next = newInstance(edge, { generation: 2 });
  const hello = await call({ mirror: second, edge }, '/internal/sync/hello', helloOf(edge, next, { lastSeq: 4 }));
  t.is(hello.json.verdict, 'go-on');
  const atHello = hello.json.channels.length;
  const taken = (await Promise.all(pushes)).filter(({ status }) => status === 200).length;
  t.is(taken, atHello, 'what was taken was taken before the handshake was answered');
});
