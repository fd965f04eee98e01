import { newId } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import { type SyncPage, syncPageSchema } from '@sgp/shared/api/shop';
import { limits } from '@sgp/shared/limits';
import type { SyncStatus } from '@sgp/shared/sync';
import { topics } from '@sgp/shared/topics';
import type { LinkFacts } from '@sgp/sync-engine/ports';
import test from 'ava';
import { createStatusReporter } from '../src/bridge/status-reporter.ts';
import { createSyncStore } from '../src/sync/sync-store.ts';
import { createSyncWatch } from '../src/sync/sync-watch.ts';
import { openBrowser } from './support/browser.ts';
import { openShopApp, owner } from './support/shop-app.ts';
import { createWriter, est, until } from './support/sync-world.ts';

const ok: SyncStatus = {
  ...{ state: 'ok', at: 1000, lastAckAt: 900, offlineSince: null, pendingChanges: 0, oldestPendingAt: null },
  ...{ pendingMedia: 0, parkedChanges: 0, clockSkewMs: 12, ackedSeq: 3, error: null },
};

/** A bus in this process: what is told reaches who listens. */
function localBus() {
  const listeners = new Map<string, (topic: string, message: unknown) => void>();
  return {
    subscribe: async (filter: string, hear: (topic: string, message: unknown) => void) =>
      void listeners.set(filter, hear),
    tell: (topic: string, message: unknown) => listeners.get(topic)?.(topic, message),
  };
}

test('the page shows what waits, what is parked, past outages and the bridge’s own word', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await openShopApp(stack);
  const browser = openBrowser(shop.url);
  t.is((await browser.refused('GET', '/api/sync')).code, 'SESSION_EXPIRED');
  await browser.ok('POST', '/api/setup/owner', owner);

  const writer = createWriter(shop.db, shop.identity);
  const parkedOrder = await writer.write();
  const waitingOrder = await writer.write();
  await shop
    .db('outbox')
    .where({ entity_id: parkedOrder })
    .update({ parked_code: 'BODY_INVALID', parked_detail: 'why', parked_at: 5 });
  await createSyncStore(shop.db).openIncident({ cause: 'NETWORK', startedAt: 77, pendingChanges: 2 });
  const before = syncPageSchema.parse(await browser.ok<SyncPage>('GET', '/api/sync'));
  t.is(before.status.state, 'unknown', 'no bridge has spoken yet');

  await shop.broker.publish(topics.syncStatus(shop.identity.est), {
    ...ok,
    state: 'offline',
    offlineSince: 5,
    at: Date.now(),
  });
  const page = await until('the status is heard', async () => {
    const read = syncPageSchema.parse(await browser.ok<SyncPage>('GET', '/api/sync'));
    return read.status.state === 'offline' && read;
  });
  t.like(page.status, { pendingChanges: 1, parkedChanges: 1 });
  t.like(page.pending[0], { orderId: waitingOrder, version: 1, customer: 'Maria', attempts: 0 });
  t.like(page.parked[0], { orderId: parkedOrder, code: 'BODY_INVALID', detail: 'why', at: 5 });
  t.deepEqual(page.incidents, [{ startedAt: 77, endedAt: null, peakPending: 2, sent: 0 }]);
  t.is(page.nodeId, shop.identity.nodeId);
  t.true((page.disk?.totalBytes ?? 0) > (page.disk?.freeBytes ?? 0));
});

test('I8: the word of a bridge that died or fell silent is no longer ok', (t) => {
  let now = 1000;
  const told: SyncStatus[] = [];
  const bus = localBus();
  using watch = createSyncWatch({ bus, est, onStatus: (status) => told.push(status), now: () => now });
  t.is(watch.latest(), null);
  bus.tell(topics.syncStatus(est), ok);
  t.is(watch.latest()?.state, 'ok');
  now += limits.syncHeartbeatMs + 1;
  t.is(watch.latest()?.state, 'unknown');
  bus.tell(topics.syncStatus(est), { ...ok, at: now });
  t.is(watch.latest()?.state, 'ok');
  bus.tell(topics.serviceStatus(est, 'bridge'), { online: false, at: now, version: '0.1.0' });
  t.is(watch.latest()?.state, 'unknown');
  t.deepEqual(
    told.map(({ state }) => state),
    ['ok', 'ok', 'unknown'],
  );
});

test('a retained status of yesterday is not taken for news', (t) => {
  const bus = localBus();
  using watch = createSyncWatch({ bus, est, onStatus: () => undefined, now: () => 90_000_000 });
  bus.tell(topics.syncStatus(est), ok);
  t.is(watch.latest()?.state, 'unknown');
});

test('an outage is told when it turns, written when it begins, and closed once what it held back has arrived', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, identity } = await openShopApp(stack);
  const writer = createWriter(db, identity);
  const store = createSyncStore(db);
  const well: LinkFacts = {
    lastAckAt: 1000,
    offlineSince: null,
    failures: 0,
    clockSkewMs: 0,
    ackedSeq: 0,
    blocked: null,
  };
  const told: SyncStatus[] = [];
  const publish = async (status: SyncStatus) => void told.push(status);
  const reporter = stack.use(
    createStatusReporter(well, { store, publish, now: () => 2000, log: createLog('test', 'silent') }),
  );
  await writer.write(newId());

  reporter.report({ ...well, offlineSince: 1500, failures: 1 });
  reporter.report({ ...well, offlineSince: 1500, failures: 2 });
  await until('offline', () => told.at(-1)?.state === 'offline');
  t.like(told.at(-1), { offlineSince: 1500, pendingChanges: 1 });
  t.like(await store.deliveryState(), { offlineSince: 1500 });
  reporter.report(well);
  await until('syncing', () => told.at(-1)?.state === 'syncing');
  t.like((await store.lists()).incidents[0], { startedAt: 1500, endedAt: null, peakPending: 1 });
  await db('outbox').delete();
  reporter.refresh();
  await until('closed', async () => (await store.lists()).incidents[0]?.endedAt === 2000);
  t.is(told.at(-1)?.state, 'ok');
});
