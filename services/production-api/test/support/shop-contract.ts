import { newId } from '@sgp/service-kit/ids';
import type { Board, Customer, Order, Today } from '@sgp/shared/api/orders';
import { orderSnapshotSchema } from '@sgp/shared/order-snapshot';
import type { ExecutionContext, TestFn } from 'ava';
import { openBrowser } from './browser.ts';
import type { FreshDatabase } from './fresh-databases.ts';
import {
  addCustomer,
  addOrder,
  inDays,
  jpegBytes,
  move,
  openShopApp,
  owner,
  type ShopApp,
  signedIn,
  twoItems,
} from './shop-app.ts';

/** What the shop's stores do on every engine, seen through the API that stands on them. */
export function shopContract(test: TestFn, engine: string, fresh: FreshDatabase): void {
  const rule = (title: string, check: (t: ExecutionContext, app: ShopApp) => Promise<void>): void =>
    test(`${engine}: ${title}`, async (t) => {
      await using stack = new AsyncDisposableStack();
      await check(t, await openShopApp(stack, { productionDb: await fresh(stack) }));
    });

  rule('one of many set-ups wins, and failed sign-ins are counted one by one', async (t, app) => {
    const answers = await Promise.all(
      ['ana', 'bia', 'caio'].map((login) => openBrowser(app.url).send('POST', '/api/setup/owner', { ...owner, login })),
    );
    t.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409]);
    const guess = () => openBrowser(app.url).send('POST', '/api/session', { login: 'ana', password: 'errada' });
    const codes = (await Promise.all(Array.from({ length: 7 }, guess))).map(({ status }) => status).sort();
    t.deepEqual(codes, [401, 401, 401, 401, 401, 429, 429]);
  });

  rule('parallel orders and moves leave numbers, versions, stamps and the outbox without a gap', async (t, app) => {
    const browser = await signedIn(app);
    const { customerId } = await addCustomer(browser);
    const work = async (index: number): Promise<void> => {
      let order = await browser.ok<Order>('POST', '/api/orders', {
        customerId,
        items: twoItems,
        promisedAt: inDays(1),
      });
      for (const to of ['aprovado', 'producao', 'pronto']) order = await move(browser, order, to);
      const count = { machineId: newId(), messageId: 'm', good: index, scrap: 1, at: 1, machineName: 'Plotter' };
      await Promise.all([1, 2].map(() => app.domain.orderPort.recordProduction({ ...count, orderId: order.orderId })));
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => work(index)));
    const numbers = (await app.db('orders').pluck('number')).map(Number).sort((a, b) => a - b);
    t.deepEqual(
      numbers,
      Array.from({ length: 8 }, (_, index) => 1001 + index),
    );
    const seqs: number[] = await app.db('outbox').orderBy('seq').pluck('seq');
    t.deepEqual(
      seqs,
      seqs.map((_, index) => index + 1),
    );
    const ofOrders = app.db('outbox').where({ stream: 'orders' }).orderBy('seq');
    const rows = await ofOrders.select('updated_at', 'entity_id', 'version');
    t.is(rows.length, 40);
    const stamps = rows.map((row) => row.updated_at);
    t.deepEqual(stamps, [...new Set(stamps)].sort(), 'stamps rise with the numbers');
    for (const id of new Set(rows.map((row) => row.entity_id)))
      t.deepEqual(
        rows.filter((row) => row.entity_id === id).map((row) => row.version),
        [1, 2, 3, 4, 5],
      );
  });

  rule('the whole content of an order comes back as it was written', async (t, app) => {
    const browser = await signedIn(app);
    const order = await addOrder(browser, { note: 'nota\ncom acento é', discountCents: 7, paidCents: 3 });
    t.deepEqual(await browser.ok('GET', `/api/orders/${order.orderId}`), order);
    t.like(order, { totalCents: 23_993, note: 'nota\ncom acento é', quantity: 102, synced: false });
    t.deepEqual(order.items[0]?.spec, [{ label: 'Acabamento', value: 'Ilhós' }]);
    await app.db('sync_entities').where({ entity_id: order.orderId }).update({ acked_version: 1, acked_at: 1 });
    t.true((await browser.ok<Order>('GET', `/api/orders/${order.orderId}`)).synced);
    t.false((await move(browser, order, 'pronto')).synced, 'a newer version waits');
    orderSnapshotSchema.parse(JSON.parse((await app.db('outbox').orderBy('seq', 'desc').first()).payload));
  });

  rule('lists filter, search, count and page alike', async (t, app) => {
    const browser = await signedIn(app);
    const { customerId } = await addCustomer(browser, { name: 'João Çelik', phone: '+5511911112222' });
    for (const day of [4, -1, 2, 9])
      await browser.ok('POST', '/api/orders', { customerId, items: twoItems, promisedAt: inDays(day) });
    const list = (query: string) =>
      browser.ok<{ orders: Order[]; total: number; nextCursor: string | null }>('GET', `/api/orders?${query}`);
    const first = await list('limit=3&q=celik');
    t.deepEqual(
      first.orders.map(({ number }) => number),
      ['1002', '1003', '1001'],
    );
    t.deepEqual(
      (await list(`limit=3&after=${first.nextCursor}`)).orders.map(({ number }) => number),
      ['1004'],
    );
    t.is(first.total, 4);
    t.is((await list('late=1')).total, 1);
    t.is((await list('q=_')).total, 0);
    t.is((await browser.ok<{ customers: Customer[] }>('GET', '/api/customers?q=1111')).customers[0]?.openOrders, 4);
    t.is((await browser.ok<Board>('GET', '/api/board')).columns[0]?.orders.length, 4);
    const today = await browser.ok<Today>('GET', '/api/today');
    t.is(today.late.length, 1);
    t.deepEqual(
      today.load.map(({ orders }) => orders).reduce((sum, n) => sum + n),
      2,
    );
    t.is(
      today.load.map(({ pieces }) => pieces).reduce((sum, n) => sum + n),
      204,
    );
  });

  rule('a photo goes from upload to a version of its order', async (t, app) => {
    const browser = await signedIn(app);
    const { orderId } = await addOrder(browser);
    const mediaId = newId();
    const bytes = jpegBytes(700);
    await browser.ok('POST', `/api/orders/${orderId}/media`, { mediaId, fileName: 'a.jpg', sizeBytes: bytes.length });
    t.like((await browser.bytes(`/api/media/${mediaId}/content`, 0, bytes)).body, { state: 'uploaded' });
    const keys = { 160: 'a', 480: 'b', 1280: 'c' };
    const outcome = { outcome: 'published', mediaId, width: 4, height: 3, thumbhash: 'x', takenAt: null, keys };
    const message = { topic: 't', payload: Buffer.from(JSON.stringify(outcome)) };
    await Promise.all([1, 2].map(() => app.domain.mediaOutcomes([message, message])));
    const order = await browser.ok<Order>('GET', `/api/orders/${orderId}`);
    t.like(order, { version: 2, photoCount: 1, coverMediaId: mediaId });
    t.like(order.media[0], { state: 'published', visible: true, width: 4 });
  });

  rule('the audit trail refuses every change but a new entry', async (t, app) => {
    await addOrder(await signedIn(app));
    await t.throwsAsync(app.db('audit').update({ who: 'x' }), { message: /append-only/ });
    await t.throwsAsync(app.db('audit').delete(), { message: /append-only/ });
  });
}
