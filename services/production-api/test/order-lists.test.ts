import { sha256Hex } from '@sgp/auth/digest';
import type { Board, Customer, Order, Today } from '@sgp/shared/api/orders';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import test from 'ava';
import { addCustomer, addOrder, inDays, move, openShopApp, signedIn, twoItems } from './support/shop-app.ts';

test('lists are by promised date, page by cursor without holes, and find without accents', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { customerId } = await addCustomer(browser, { name: 'João Çelik', taxId: '529.982.247-25' });
  const days = [5, 1, 3, 1, 4, 2, -2];
  for (const day of days)
    await browser.ok('POST', '/api/orders', {
      customerId,
      items: twoItems,
      promisedAt: Math.round(inDays(day) / 1e7) * 1e7,
    });
  const seen: number[] = [];
  for (let after = ''; ; ) {
    const page = await browser.ok<{ orders: Order[]; total: number; nextCursor: string | null }>(
      'GET',
      `/api/orders?limit=2${after}`,
    );
    t.is(page.total, 7);
    seen.push(...page.orders.map((order) => order.promisedAt));
    if (page.nextCursor === null) break;
    after = `&after=${page.nextCursor}`;
  }
  t.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  t.is(seen.length, 7);
  const total = async (query: string) => (await browser.ok<{ total: number }>('GET', `/api/orders?${query}`)).total;
  t.is(await total('q=joao celik'), 7);
  t.is(await total('q=52998224725'), 7);
  t.is(await total('q=1003'), 1);
  t.is(await total('q=%25'), 0, 'a percent sign is no wildcard');
  t.is(await total('late=1'), 1);
  t.is(await total('status=ready'), 0);
  t.is(await total('stage=recebido&open=1'), 7);
  t.is((await browser.refused('GET', '/api/orders?after=nonsense')).code, 'BODY_INVALID');
  t.is((await browser.refused('GET', '/api/orders?limit=100000')).code, 'BODY_INVALID');
  const board = await browser.ok<Board>('GET', '/api/board');
  t.deepEqual(
    board.columns.map(({ stage, orders }) => [stage.key, orders.length]),
    [
      ['recebido', 7],
      ['aprovado', 0],
      ['producao', 0],
      ['acabamento', 0],
      ['pronto', 0],
    ],
  );
  const today = await browser.ok<Today>('GET', '/api/today');
  t.is(today.late.length, 1);
  t.is(today.load.length, 7);
  t.is(
    today.load.reduce((sum, day) => sum + day.orders, 0),
    6,
  );
});

test("a customer's new phone or first name, the shop's data and a stage's label reach the snapshots of open orders alone", async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const open = await addOrder(browser);
  const done = await move(browser, await addOrder(browser), 'cancelled');
  await browser.ok('PATCH', `/api/customers/${open.customer.customerId}`, { note: 'só nota' });
  await browser.ok<Customer>('PATCH', `/api/customers/${open.customer.customerId}`, {
    phone: '+5511900001234',
    firstName: 'Mari',
  });
  const newest = async (): Promise<OrderSnapshot> =>
    JSON.parse((await app.db('outbox').where({ entity_id: open.orderId }).orderBy('seq', 'desc').first()).payload);
  t.like(await newest(), {
    version: 2,
    customer: { firstName: 'Mari', phoneLast4Hash: sha256Hex(`${open.orderId}:1234`) },
  });
  const shop = { name: 'Fio & Ponto', phone: '11 4000-1000', whatsapp: '', timeZone: 'America/Manaus' };
  await browser.ok('PUT', '/api/settings', { shop, stageLabels: [{ key: 'recebido', label: 'Chegou' }] });
  t.like(await newest(), {
    version: 3,
    stage: { key: 'recebido', label: 'Chegou' },
    shop: { name: 'Fio & Ponto', timeZone: 'America/Manaus' },
  });
  await browser.ok('PUT', '/api/settings', { shop });
  t.is((await newest()).version, 3, 'the same settings again change nothing');
  t.is((await browser.ok<Order>('GET', `/api/orders/${done.orderId}`)).version, done.version);
  t.deepEqual(
    (await browser.ok<Order>('GET', `/api/orders/${open.orderId}`)).history.map(({ kind }) => kind),
    ['created'],
  );
  for (const wrong of [
    { shop: { ...shop, timeZone: 'Mars/Olympus' } },
    { stageLabels: [{ key: 'nenhum', label: 'x' }] },
  ])
    t.is((await browser.refused('PUT', '/api/settings', wrong)).code, 'BODY_INVALID');
  t.is(app.domain.timeZone(), 'America/Manaus');
});
