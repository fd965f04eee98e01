import { join } from 'node:path';
import { sha256Hex } from '@sgp/auth/digest';
import { type Database, openDatabase } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Order } from '@sgp/shared/api/orders';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import test, { type ExecutionContext } from 'ava';
import { createOrderStore } from '../src/orders/order-store.ts';
import { createOrderWriter, type OrderWriterDeps } from '../src/orders/order-writer.ts';
import { createHlcStore } from '../src/outbox/hlc-store.ts';
import { createOutboxStore } from '../src/outbox/outbox-store.ts';
import { createShopStore } from '../src/shop/shop-store.ts';
import { openBrowser } from './support/browser.ts';
import { makeShopFolder, startApi } from './support/process.ts';
import { addCustomer, addOrder, inDays, openShopApp, owner, signedIn, twoItems } from './support/shop-app.ts';
import { openShopBroker } from './support/shop-broker.ts';
import { openStreams } from './support/streams.ts';
import { tempDir } from './support/temp-dir.ts';

const tables = ['orders', 'order_items', 'order_timeline', 'outbox', 'audit', 'hlc_state', 'outbox_head'];
const contents = async (db: Database): Promise<unknown> => Promise.all(tables.map((table) => db(table)));

test('an order, its audit entry and its outbox row are written together or not at all, wherever the failure strikes', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const order = await addOrder(await signedIn(app));
  const told: unknown[] = [];
  const whole: OrderWriterDeps = {
    db: app.db,
    orders: createOrderStore(),
    shop: createShopStore(),
    audit: openStreams(app.db, app.identity).audit,
    outbox: createOutboxStore(),
    hlc: createHlcStore(app.identity.nodeId),
    origin: app.identity,
    onWritten: (written) => told.push(written),
  };
  const strike = async (): Promise<never> => {
    throw new Error('struck');
  };
  const after =
    <Args extends unknown[]>(work: (...args: Args) => Promise<unknown>) =>
    async (...args: Args) => {
      await work(...args);
      return strike();
    };
  const places: Partial<OrderWriterDeps>[] = [
    { hlc: { ...whole.hlc, tick: after(whole.hlc.tick) } },
    { orders: { ...whole.orders, save: after(whole.orders.save) } },
    { audit: { append: after(whole.audit.append) } },
    { shop: { read: after(whole.shop.read) } },
    { outbox: { append: after(whole.outbox.append) } },
  ];
  const before = await contents(app.db);
  const actor = { userId: null, who: 'Ana', address: null };
  const edit = (writer: ReturnType<typeof createOrderWriter>) =>
    writer.transaction(({ change }) =>
      change(order.orderId, actor, null, (found) => ({ order: { ...found, note: 'novo' }, kind: 'edited', facts: {} })),
    );
  for (const place of places) {
    await t.throwsAsync(edit(createOrderWriter({ ...whole, ...place })), { message: 'struck' });
    t.deepEqual(await contents(app.db), before);
  }
  t.deepEqual(told, [], 'nothing is told of what was not written');
  await edit(createOrderWriter(whole));
  t.is(told.length, 1);
  t.notDeepEqual(await contents(app.db), before);
});

test('the audit trail takes new entries and refuses every other change', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  await addOrder(await signedIn(app));
  await t.throwsAsync(app.db('audit').update({ who: 'ninguém' }), { message: /append-only/ });
  await t.throwsAsync(app.db('audit').delete(), { message: /append-only/ });
  const [entry] = await app.db('audit').where({ action: 'created', entity: 'order' });
  t.like(entry, { who: 'Ana', address: '127.0.0.1' });
  t.like(JSON.parse(entry.after), { status: 'received', totalCents: 24_000 });
});

test('the trail keeps what a machine counted, and not the whole order again each time', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const { orderId } = await addOrder(await signedIn(app));
  const count = { machineId: newId(), orderId, good: 1, scrap: 2, at: Date.now(), machineName: 'Plotter' };
  await app.domain.orderPort.recordProduction({ ...count, messageId: 'a' });
  const [entry] = await app.db('audit').where({ entity_id: orderId, action: 'count' });
  t.deepEqual(JSON.parse(entry.summary), { good: 1, scrap: 2, machine: 'Plotter' });
  t.deepEqual([entry.before, entry.after], ['{}', '{}']);
});

/** Every version of every order is in the outbox once, and the newest one says what the rows say. */
async function agree(t: ExecutionContext, db: Database): Promise<number> {
  const orders = createOrderStore();
  const numbers: number[] = await db('outbox').orderBy('seq').pluck('seq');
  t.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
    'no number is left out',
  );
  const rows = await db('outbox').where({ stream: 'orders' }).orderBy('seq');
  const ids = (await db('orders').select('order_id', 'version')) as { order_id: string; version: number }[];
  for (const { order_id, version } of ids) {
    const versions = rows.filter((row) => row.entity_id === order_id);
    t.deepEqual(
      versions.map((row) => row.version),
      Array.from({ length: version }, (_, index) => index + 1),
    );
    const newest = versions.at(-1);
    const snapshot: OrderSnapshot = JSON.parse(newest.payload);
    const order = await orders.load(db, order_id);
    t.is(newest.hash, sha256Hex(newest.payload));
    t.like(snapshot, { version, number: order?.number, status: order?.status, updatedAt: order?.updatedHlc });
    t.is(snapshot.items.length, order?.items.length ?? 0);
    const trail = await db('audit').where({ entity: 'order', entity_id: order_id });
    t.is(trail.length, version, 'one entry for each version');
  }
  t.is(new Set(rows.map((row) => row.entity_id)).size, ids.length, 'no outbox row without its order');
  return ids.length;
}

test('after kill -9 under load every acknowledged order is there, and orders, outbox and trail agree', async (t) => {
  await using stack = new AsyncDisposableStack();
  const broker = await openShopBroker(stack);
  const folder = await makeShopFolder(await tempDir(stack));
  const acknowledged = new Map<string, number>();
  for (const round of [1, 2]) {
    const api = await startApi(stack, folder, broker.url);
    const browser = openBrowser(api.url);
    await browser.send('POST', '/api/setup/owner', owner);
    if (browser.cookie === '')
      await browser.ok('POST', '/api/session', { login: owner.login, password: owner.password });
    const { customerId } = await addCustomer(browser);
    const enough = Promise.withResolvers<void>();
    const from = acknowledged.size;
    const work = async (): Promise<void> => {
      for (;;) {
        const order = await browser.ok<Order>('POST', '/api/orders', {
          customerId,
          items: twoItems,
          promisedAt: inDays(1),
        });
        acknowledged.set(order.orderId, 1);
        for (const [index, to] of ['aprovado', 'producao', 'pronto'].entries()) {
          await browser.ok('POST', `/api/orders/${order.orderId}/move`, { expectedVersion: index + 1, to });
          acknowledged.set(order.orderId, index + 2);
        }
        if (acknowledged.size - from >= 5 + 2 * round) enough.resolve();
      }
    };
    const workers = Array.from({ length: 5 }, () => work().catch((error: Error) => error));
    await enough.promise;
    await api.kill();
    t.true((await Promise.all(workers)).every((end) => end instanceof Error));
    const db = openDatabase(`sqlite:${join(folder.dir, 'production.db')}`, { durability: 'full' });
    try {
      const count = await agree(t, db);
      t.log(`round ${round}: ${acknowledged.size} orders acknowledged, ${count} in the database`);
      for (const [orderId, version] of acknowledged) {
        const row = await db('orders').where({ order_id: orderId }).first('version');
        t.true(row.version >= version, 'what was acknowledged is there');
      }
      const numbers = (await db('orders').pluck('number')).map(Number).sort((a, b) => a - b);
      t.deepEqual(
        numbers,
        numbers.map((_, index) => 1001 + index),
      );
    } finally {
      await db.destroy();
    }
  }
});

test('an unknown order is refused before anything is written', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  t.is(
    (await browser.refused('POST', `/api/orders/${newId()}/move`, { expectedVersion: 1, to: 'pronto' })).code,
    'NOT_FOUND',
  );
  t.is((await browser.refused('GET', `/api/orders/${newId()}`)).code, 'NOT_FOUND');
  t.is((await browser.refused('GET', '/api/orders/1001')).code, 'BODY_INVALID');
  t.deepEqual(await app.db('outbox').where({ stream: 'orders' }), []);
});
