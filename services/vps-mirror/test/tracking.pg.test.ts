import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import { batchOf, changeOf, newLink, snapshotOf, stampAt } from './support/edge.ts';
import { openEventStream } from './support/event-stream.ts';
import { openBench, push, startMirror } from './support/mirror.ts';
import { trackingSuite } from './support/tracking-suite.ts';

trackingSuite(test, freshPostgres);

test.serial('a stream on one replica hears what another replica committed', async (t) => {
  await using bench = await openBench(freshPostgres);
  const { token, tracking } = newLink();
  const first = snapshotOf(bench.edge, { tracking });
  const others = Array.from({ length: 400 }, (_, i) => changeOf(snapshotOf(bench.edge), i + 2));
  t.is((await push(bench, batchOf(bench.edge, 1, [changeOf(first, 1)]))).status, 200);
  await using replica = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
  using stream = await openEventStream(`${replica.url}/api/tracking/${token}/events`);
  await stream.reached(1);
  const second = snapshotOf(bench.edge, {
    ...first,
    version: 2,
    updatedAt: stampAt(1_800_000_000_000, bench.edge.record.nodeId),
  });
  // A batch whose news need several notifications.
  t.is((await push(bench, batchOf(bench.edge, 2, [...others, changeOf(second, 500)]))).status, 200);
  await stream.reached(2);
  t.deepEqual(stream.versions, [1, 2]);
});

test.serial('a replica that lost its connection for news reads again what its streams missed', async (t) => {
  await using bench = await openBench(freshPostgres);
  const { token, tracking } = newLink();
  const first = snapshotOf(bench.edge, { tracking });
  t.is((await push(bench, batchOf(bench.edge, 1, [changeOf(first, 1)]))).status, 200);
  await using replica = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
  using stream = await openEventStream(`${replica.url}/api/tracking/${token}/events`);
  await stream.reached(1);
  await bench.mirror.db.raw(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %'",
  );
  const updatedAt = stampAt(1_800_000_000_000, bench.edge.record.nodeId);
  const second = snapshotOf(bench.edge, { ...first, version: 2, updatedAt });
  t.is((await push(bench, batchOf(bench.edge, 2, [changeOf(second, 2)]))).status, 200);
  await stream.reached(2);
  t.deepEqual(stream.versions, [1, 2]);
});
