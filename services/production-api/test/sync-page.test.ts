import { newId } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import { type Licence, type SyncPage, syncPageSchema } from '@sgp/shared/api/shop';
import type { Trail } from '@sgp/shared/api/sync';
import { limits } from '@sgp/shared/limits';
import type { SyncStatus } from '@sgp/shared/sync';
import { topics } from '@sgp/shared/topics';
import type { LinkFacts } from '@sgp/sync-engine/ports';
import test from 'ava';
import { createStatusReporter } from '../src/bridge/status-reporter.ts';
import { createConflictStore } from '../src/conflicts/conflict-store.ts';
import { createLicenceReturn } from '../src/sync/licence-return.ts';
import { createParkedStore } from '../src/sync/parked-store.ts';
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
  await shop.db('outbox_head').update({ parked: 1, open_lane1: 1 });
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
  t.like(page.status, { pendingChanges: 2, parkedChanges: 1 }, 'who set the shop up is told too');
  t.like(page.pending[0], { orderId: waitingOrder, version: 1, customer: 'Maria', attempts: 0 });
  t.like(page.parked[0], { orderId: parkedOrder, code: 'BODY_INVALID', detail: 'why', at: 5 });
  const [incident] = page.incidents;
  t.like(incident, { startedAt: 77, endedAt: null, cause: 'NETWORK', peakPending: 2, sent: 0, conflicts: 0 });
  t.like(incident, { comparedAt: null, lost: null, resent: 0 }, 'nobody compared: nobody says that nothing was lost');
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
  const at = Date.now() + 1000;
  const well: LinkFacts = {
    lastAckAt: at - 1000,
    offlineSince: null,
    failures: 0,
    clockSkewMs: 0,
    ackedSeq: 0,
    blocked: null,
  };
  const told: SyncStatus[] = [];
  const publish = async (status: SyncStatus) => void told.push(status);
  const reporter = stack.use(
    createStatusReporter(well, {
      ...{ store, publish, onIncidentEnded: () => {}, now: () => at, uptime: () => 0 },
      log: createLog('test', 'silent'),
    }),
  );
  await writer.write(newId());

  reporter.report({ ...well, offlineSince: at - 500, failures: 1 });
  reporter.report({ ...well, offlineSince: at - 500, failures: 2 });
  await until('offline', () => told.at(-1)?.state === 'offline');
  t.like(told.at(-1), { offlineSince: at - 500, pendingChanges: 1 });
  t.like(await store.deliveryState(), { offlineSince: at - 500 });
  reporter.report({ ...well, lastAckAt: at });
  await until('syncing', () => told.at(-1)?.state === 'syncing');
  t.like((await store.lists()).incidents[0], { startedAt: at - 500, endedAt: null, peakPending: 1 });
  await db('outbox').delete();
  await db('outbox_head').update({ open_lane1: 0 });
  reporter.refresh();
  await until('closed', async () => (await store.lists()).incidents[0]?.endedAt === at);
  t.is(told.at(-1)?.state, 'ok');
});

test('a parked change can be read and goes back into the queue when a manager says so', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await openShopApp(stack);
  const browser = openBrowser(shop.url);
  t.is((await browser.refused('POST', '/api/sync/parked/1/retry')).code, 'SESSION_EXPIRED');
  await browser.ok('POST', '/api/setup/owner', owner);
  const orderId = await createWriter(shop.db, shop.identity).write();
  const { seq } = await shop.db('outbox').where({ entity_id: orderId }).first('seq');
  t.is((await browser.refused('POST', `/api/sync/parked/${seq}/retry`)).code, 'NOT_FOUND', 'it only waits');
  await shop
    .db('outbox')
    .where({ entity_id: orderId })
    .update({ parked_code: 'BODY_INVALID', parked_detail: 'why', parked_at: 5, attempts: 3 });
  await shop.db('outbox_head').update({ parked: 1, open_lane1: 0 });

  const file = await browser.send('GET', `/api/sync/parked/${seq}`);
  t.is(file.headers.get('content-disposition'), `attachment; filename="sgp-${seq}.json"`);
  t.like(file.body, { entity_id: orderId, parked_code: 'BODY_INVALID' });
  await browser.ok('POST', `/api/sync/parked/${seq}/retry`);
  const { who, action, summary } = await shop.db('audit').where({ entity: 'sync' }).first();
  t.deepEqual([who, action], ['Ana', 'retried']);
  t.like(JSON.parse(summary), { direction: 'up', stream: 'orders', entityId: orderId, code: 'BODY_INVALID' });
  const page = syncPageSchema.parse(await browser.ok<SyncPage>('GET', '/api/sync'));
  t.deepEqual(page.parked, []);
  t.like(
    page.pending.find((each) => each.orderId === orderId),
    { attempts: 0 },
  );
  t.like(page.lanes[1], { lane: 1, pending: 1 });
  t.like(await shop.db('outbox_head').first(), { parked: 0, open_lane1: 1 });
});

test('the last receipt tells when both sides were equal, and how much of each stream', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, identity } = await openShopApp(stack);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const stream = { stream: 'orders', rows: 7, root: 'A'.repeat(22), newest: null };
  const claims = { iss: 'core', aud: 'node', iat: 1, establishmentId: identity.establishmentId, streams: [stream] };
  const receipt = `${part({ alg: 'EdDSA' })}.${part(claims)}.x`;
  await db('sync_receipts').insert([
    { received_at: 300, receipt },
    { received_at: 400, receipt },
  ]);
  t.deepEqual(await createSyncStore(db).receipt(), { at: 400, streams: [{ stream: 'orders', rows: 7 }] });
});

test('an outage counts the conflicts that were found until a moment after its end', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db } = await openShopApp(stack);
  const store = createSyncStore(db);
  const version = { text: '1', at: null, who: '' };
  const found = (at: number) =>
    createConflictStore().open(db, {
      ...{ conflictId: newId(), kind: 'field', entity: 'catalogue', entityId: newId(), field: 'leadDays' },
      ...{ winner: version, loser: version, at, resolvedAt: null, resolution: null },
    });
  for (const at of [1, 150, 200 + limits.syncHeartbeatMs, 200 + 3 * limits.syncHeartbeatMs]) await found(at);
  await store.openIncident({ cause: 'NETWORK', startedAt: 100, pendingChanges: 1 });
  t.is((await store.lists()).incidents[0]?.conflicts, 3, 'while it lasts, all since its beginning');
  await store.closeIncident(200);
  t.is((await store.lists()).incidents[0]?.conflicts, 2);
});

test('time in which the bridge was off is an outage, from its last sign of life to the next acknowledgement', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db } = await openShopApp(stack);
  const store = createSyncStore(db);
  const log = createLog('test', 'silent');
  const outages = async () => (await store.lists()).incidents;
  let ended = 0;
  const onIncidentEnded = () => {
    ended += 1;
  };
  const before: LinkFacts = {
    ...{ lastAckAt: 1_000, offlineSince: null, failures: 0, clockSkewMs: 0, ackedSeq: 0, blocked: null },
  };
  const quick = stack.use(
    createStatusReporter(before, {
      store,
      publish: async () => {},
      onIncidentEnded,
      now: () => 60_000,
      uptime: () => 0,
      log,
    }),
  );
  quick.repeat();
  await quick[Symbol.asyncDispose]();
  t.deepEqual(await outages(), [], 'a restart is none');
  t.is(ended, 0);

  let now = 1_000_000;
  const reporter = stack.use(
    createStatusReporter(before, {
      store,
      publish: async () => {},
      onIncidentEnded,
      now: () => now,
      uptime: () => now,
      log,
    }),
  );
  reporter.refresh();
  await until('it is written', async () => (await outages()).length === 1);
  t.like((await outages())[0], { cause: 'STOPPED', startedAt: 1_000, endedAt: null });
  now = 1_000_500;
  reporter.report({ ...before, lastAckAt: 1_000_400 });
  await until('it is closed', async () => (await outages())[0]?.endedAt === 1_000_400);

  // The computer slept: the process lived, and nobody looked.
  now = 5_000_000;
  reporter.report({ ...before, lastAckAt: 4_999_900 });
  await until('a second one', async () => (await outages()).length === 2);
  t.like((await outages())[0], { cause: 'STOPPED', startedAt: 1_000_500, endedAt: 4_999_900 });
  await reporter[Symbol.asyncDispose]();
  t.is(ended, 2, 'a comparison is asked for once after each, and not with every status');
});

test('the trail of an order tells each hop of each version, newest first', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await openShopApp(stack);
  const browser = openBrowser(shop.url);
  await browser.ok('POST', '/api/setup/owner', owner);
  const id = newId();
  const row = { stream: 'orders', entity_id: id, request_id: 'request-1', committed_at: 10 };
  await shop.db('sync_trail').insert({ ...row, version: 1, sent_at: 11, applied_at: 12, acked_at: 13, shown_at: 14 });
  await shop.db('sync_trail').insert({ ...row, version: 2 });
  const { versions } = await browser.ok<Trail>('GET', `/api/orders/${id}/trail`);
  const none = { sentAt: null, appliedAt: null, ackedAt: null, shownAt: null };
  t.deepEqual(versions, [
    { version: 2, requestId: 'request-1', committedAt: 10, ...none },
    { version: 1, requestId: 'request-1', committedAt: 10, sentAt: 11, appliedAt: 12, ackedAt: 13, shownAt: 14 },
  ]);
});

test('changes that a restricted licence held go again at the turn to active, and no others', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, identity } = await openShopApp(stack);
  const writer = createWriter(db, identity);
  const held = await writer.write();
  const poison = await writer.write();
  const park = (entity_id: string, parked_code: string) =>
    db('outbox').where({ entity_id }).update({ parked_code, parked_detail: '', parked_at: 1 });
  await park(held, 'LICENSE_RESTRICTED');
  await park(poison, 'BODY_INVALID');
  const parkedOrders = async () => (await createSyncStore(db).lists()).parked.map(({ orderId }) => orderId);
  const audit = { append: () => Promise.reject(new Error('nobody asked')) };
  let state: Licence['state'] = 'expired';
  const none = { reason: null, licenceId: null, plan: null, companyName: null, establishmentName: null };
  const licence = { read: async () => ({ ...none, state, expiresAt: null, checkedAt: 0 }) };
  const returning = createLicenceReturn({
    licence,
    parked: createParkedStore({ db, audit }),
    now: () => 0,
    log: createLog('test', 'silent'),
  });

  await returning.look();
  t.deepEqual(await parkedOrders(), [poison, held]);
  state = 'active';
  await returning.look();
  t.deepEqual(await parkedOrders(), [poison]);
  await park(held, 'LICENSE_RESTRICTED');
  await returning.look();
  t.deepEqual(await parkedOrders(), [poison, held], 'a Core that still refuses is not asked in a circle');
});
