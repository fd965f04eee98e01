import { newId } from '@sgp/service-kit/ids';
import type { Hlc } from '@sgp/shared/clock';
import test from 'ava';
import { createConflictStore } from '../src/conflicts/conflict-store.ts';
import { addCustomer, addOrder, openShopApp, type ShopApp, signedIn } from './support/shop-app.ts';
import { saidOn } from './support/streams.ts';

/** Later than any clock of a shop. */
const coreAt = '09999999999999-0003-9f2c4be01d77' as Hlc;
const ask = (app: ShopApp, entityId: string, more: object = {}) =>
  app.db('sync_repairs').insert({
    ...{ stream: 'orders', entity_id: entityId, core_version: 7, core_updated_at: coreAt, found_at: 1 },
    ...more,
  });
const newestSaid = (app: ShopApp, entityId: string) =>
  app.db('outbox').where({ entity_id: entityId }).orderBy('seq', 'desc').first();
const ledger = async (app: ShopApp) =>
  (await createConflictStore().list(app.db, { state: 'all', limit: 50 })).rows.filter(
    ({ kind }) => kind === 'order-restored',
  );

test('an order of which the Core is ahead is written anew above it, and the Core’s version is in the ledger once', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const order = await addOrder(await signedIn(app));
  const doc = JSON.stringify({ orderId: order.orderId, version: 7, number: 'of the Core' });
  await ask(app, order.orderId, { core_doc: doc });
  t.is(await app.domain.repairs.step(), 1);

  const row = await newestSaid(app, order.orderId);
  t.is(row.version, 8);
  t.true(row.updated_at > coreAt, 'later than the Core, although this clock is behind');
  t.like(JSON.parse(row.payload), { version: 8, number: order.number, updatedAt: row.updated_at });
  t.like(await app.db('orders').where({ order_id: order.orderId }).first(), { version: 8 });
  t.deepEqual(await app.db('sync_repairs'), []);
  const [entry, ...others] = await ledger(app);
  t.deepEqual(others, []);
  t.like(entry, { entity: 'order', entityId: order.orderId, origin: 'edge', resolvedAt: null });
  t.deepEqual(entry?.loser, { text: doc, at: coreAt, who: 'Core' });
  t.like(entry?.winner, { at: row.updated_at, text: row.payload });

  await ask(app, order.orderId, { core_doc: doc });
  await app.domain.repairs.step();
  t.is((await ledger(app)).length, 1);
});

test('an order that was said before its content was kept is said once more, without a conflict', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const order = await addOrder(await signedIn(app));
  const { version } = await newestSaid(app, order.orderId);
  await ask(app, order.orderId, { core_version: 0, core_updated_at: null });
  await app.domain.repairs.step();
  t.is((await newestSaid(app, order.orderId)).version, version + 1);
  t.deepEqual(await ledger(app), []);
});

test('what cannot be written keeps its place in the list and holds up nothing else', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const [first, second] = [await addOrder(browser), await addOrder(browser)];
  await ask(app, first.orderId);
  await ask(app, second.orderId, { found_at: 2 });
  await ask(app, newId(), { found_at: 3 });
  await app.db.raw(
    `create trigger broken before update on orders when new.order_id = '${first.orderId}' begin select raise(abort, 'broken'); end`,
  );
  await app.domain.repairs.step();
  t.deepEqual(await app.db('sync_repairs').pluck('entity_id'), [first.orderId]);
  t.is((await newestSaid(app, second.orderId)).version, 8);
  t.is((await newestSaid(app, first.orderId)).version, first.version, 'nothing of it was written');
  t.is((await ledger(app)).length, 1);
  await app.db.raw('drop trigger broken');
  await app.domain.repairs.step();
  t.is((await newestSaid(app, first.orderId)).version, 8);
});

test('a customer of whom the Core is ahead is said anew above it, once', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const { customerId } = await addCustomer(await signedIn(app));
  await ask(app, customerId, { stream: 'customers' });
  await ask(app, newId(), { stream: 'customers' });
  await app.domain.repairs.step();
  await app.domain.repairs.step();
  const said = (await saidOn(app.db, 'customers')).filter(({ entityId }) => entityId === customerId);
  t.deepEqual(
    said.map(({ version }) => version),
    [1, 8],
  );
  const { updated_at: at } = await newestSaid(app, customerId);
  t.true(at > coreAt);
  t.deepEqual(await app.db('sync_repairs'), []);
  t.like((await ledger(app))[0], { entity: 'customer', entityId: customerId });
});
