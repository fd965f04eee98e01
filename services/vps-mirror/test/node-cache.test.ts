import { migrate, openDatabase } from '@sgp/service-kit/database';
import { createLog } from '@sgp/service-kit/log';
import test from 'ava';
import { migrations } from '../src/migrations/list.ts';
import { mirrorLimits } from '../src/mirror-limits.ts';
import { createLicenseClient } from '../src/nodes/license-client.ts';
import { openNodeCache } from '../src/nodes/node-cache.ts';
import { createNodeStore } from '../src/nodes/node-store.ts';
import { createEdge } from './support/edge.ts';
import { startLicenseServer } from './support/license-server.ts';

async function openCacheBench() {
  const stack = new AsyncDisposableStack();
  const db = openDatabase('sqlite::memory:', { durability: 'full' });
  stack.defer(() => db.destroy());
  await migrate(db, migrations);
  const license = stack.use(await startLicenseServer());
  const clock = { ms: Date.now() };
  const log = createLog('test', 'silent');
  const client = createLicenseClient({ url: license.url, serviceToken: license.serviceToken });
  const open = async () =>
    stack.use(await openNodeCache({ store: createNodeStore(db), license: client, log, now: () => clock.ms }));
  return { license, clock, open, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test.serial('a node is asked for once and kept for a minute', async (t) => {
  await using bench = await openCacheBench();
  const { record } = createEdge();
  bench.license.records.set(record.shortId, record);
  const cache = await bench.open();
  const found = await Promise.all([1, 2, 3].map(() => cache.find(record.shortId)));
  t.deepEqual(found, [record, record, record]);
  t.is(bench.license.asked.length, 1);
  bench.clock.ms += mirrorLimits.nodeRecordMaxAgeMs + 1;
  const banned = { ...record, status: 'banned' as const };
  bench.license.records.set(record.shortId, banned);
  t.deepEqual(await cache.find(record.shortId), banned);
});

test.serial(
  'an unknown id is asked again only after ten seconds, so that a new node is known at once after that',
  async (t) => {
    await using bench = await openCacheBench();
    const { record } = createEdge();
    const cache = await bench.open();
    t.is(await cache.find(record.shortId), undefined);
    bench.license.records.set(record.shortId, record);
    t.is(await cache.find(record.shortId), undefined);
    t.is(bench.license.asked.length, 1);
    bench.clock.ms += mirrorLimits.nodeUnknownKeptMs + 1;
    t.deepEqual(await cache.find(record.shortId), record);
  },
);

test.serial(
  'known nodes go on while the license service is down, also after a restart; unknown ones are told to try again',
  async (t) => {
    await using bench = await openCacheBench();
    const { record } = createEdge();
    bench.license.records.set(record.shortId, record);
    await (await bench.open()).find(record.shortId);
    bench.license.down = true;
    bench.clock.ms += 10 * mirrorLimits.nodeRecordMaxAgeMs;
    const restarted = await bench.open();
    t.deepEqual(await restarted.find(record.shortId), record);
    const asked = bench.license.asked.length;
    t.deepEqual(await restarted.find(record.shortId), record);
    t.is(bench.license.asked.length, asked, 'a service that is down is not asked with every push');
    t.true(restarted.oldestAgeMs >= 10 * mirrorLimits.nodeRecordMaxAgeMs);
    await t.throwsAsync(restarted.find(createEdge().record.shortId), { message: /license service/ });
  },
);

test.serial('the background refresh renews every record and forgets a node that was deleted', async (t) => {
  await using bench = await openCacheBench();
  const [kept, deleted] = [createEdge().record, createEdge().record];
  for (const record of [kept, deleted]) bench.license.records.set(record.shortId, record);
  const cache = await bench.open();
  for (const record of [kept, deleted]) await cache.find(record.shortId);
  bench.license.records.delete(deleted.shortId);
  bench.clock.ms += mirrorLimits.nodeRefreshIntervalMs;
  await cache.refresh();
  t.is(cache.oldestAgeMs, 0);
  t.is(await cache.find(deleted.shortId), undefined);
  t.deepEqual(await (await bench.open()).find(kept.shortId), kept);
});
