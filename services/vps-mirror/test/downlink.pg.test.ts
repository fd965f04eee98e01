import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import { createDownReader } from './support/down-reader.ts';
import { downlinkSuite, newUser, openListed, say } from './support/downlink-suite.ts';
import { createEdge } from './support/edge.ts';
import { startMirror } from './support/mirror.ts';

downlinkSuite(test, freshPostgres);

test.serial('a call that is held at one replica is answered by what another one wrote', async (t) => {
  await using bench = await openListed(freshPostgres);
  await using second = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
  await second.listed();
  const reader = createDownReader(bench.mirror, bench.edge);
  await reader.drain();
  const started = performance.now();
  const held = reader.ask({ waitMs: 20_000, mirror: second });
  await wait(100);
  await say(bench.mirror, bench.edge.record.companyId, newUser());
  t.is((await held).changes.length, 1);
  t.true(performance.now() - started < 5_000);
});

test.serial('two replicas that write at once give each number once', async (t) => {
  await using bench = await openListed(freshPostgres);
  await using second = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
  await second.listed();
  const { companyId } = bench.edge.record;
  const edges = [bench.edge, ...[1, 2].map(() => bench.enrol(createEdge({ companyId })))];
  const readers = edges.map((edge) => createDownReader(bench.mirror, edge));
  const writes = Array.from({ length: 40 }, (_, n) => say(n % 2 ? bench.mirror : second, companyId, newUser()));
  const asks = readers.map((reader, n) => reader.ask({ mirror: n % 2 ? bench.mirror : second }));
  await Promise.all([...writes, ...asks]);
  for (const reader of readers) {
    await reader.drain();
    t.is(reader.rows.size, 40);
  }
});
