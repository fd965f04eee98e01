import { sha256Hex } from '@sgp/auth/digest';
import { newId } from '@sgp/service-kit/ids';
import type { Order } from '@sgp/shared/api/orders';
import { canonicalJson } from '@sgp/shared/canonical-json';
import { type OrderSnapshot, orderSnapshotSchema } from '@sgp/shared/order-snapshot';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { listenEvents } from '../../../test/support/sse.ts';
import { addCustomer, addOrder, inDays, move, openShopApp, signedIn, twoItems } from './support/shop-app.ts';

test('an order goes from intake to delivery, and each step is a version that the outbox, the bus and the screens get', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  using events = await listenEvents(`${app.url}/api/events`, browser.cookie);
  let order = await addOrder(browser, { discountCents: 1000, paidCents: 500, note: 'segredo da casa' });
  t.like(order, {
    number: '1001',
    version: 1,
    status: 'received',
    totalCents: 23_000,
    paidCents: 500,
    title: 'Banner 3x2 m',
    itemCount: 2,
  });
  t.regex(order.link?.url ?? '', /^https:\/\/pedidos\.example\/p\/[A-Za-z0-9_-]{22}$/);
  for (const stage of ['aprovado', 'producao', 'acabamento', 'pronto', 'producao', 'pronto'])
    order = await move(browser, order, stage);
  t.truthy(order.dates.approvedAt && order.dates.startedAt && order.dates.readyAt);
  order = await browser.ok('POST', `/api/orders/${order.orderId}/promise`, {
    expectedVersion: order.version,
    promisedAt: inDays(5),
    reason: 'Faltou tecido',
  });
  order = await move(browser, order, 'delivered');
  t.like(order, { status: 'delivered', version: 9, stage: { key: 'delivered', label: 'Entregue' } });
  const ninety = 90 * 86_400_000;
  t.is(order.link?.expiresAt, (order.dates.deliveredAt ?? 0) + ninety);
  t.deepEqual(
    order.history.map(({ kind }) => kind),
    ['moved', 'promise', 'moved', 'moved', 'moved', 'moved', 'moved', 'moved', 'created'],
  );

  const outbox = await app.db('outbox').where({ stream: 'orders' }).orderBy('seq');
  t.deepEqual(
    outbox.map((row) => [row.version, row.parent_version]),
    Array.from({ length: 9 }, (_, i) => [i + 1, i]),
  );
  const snapshots: OrderSnapshot[] = outbox.map((row) => orderSnapshotSchema.parse(JSON.parse(row.payload)));
  t.true(outbox.every((row) => row.hash === sha256Hex(row.payload)));
  t.true(snapshots.every((snapshot, i) => i === 0 || snapshot.updatedAt > (snapshots[i - 1]?.updatedAt ?? '')));
  t.deepEqual(
    snapshots.at(-1)?.timeline.map(({ status }) => status),
    ['received', 'approved', 'in_production', 'ready', 'in_production', 'ready', 'delivered'],
  );
  const token = order.link?.url.split('/p/')[1] ?? '';
  t.is(snapshots.at(-1)?.tracking?.tokenHash, sha256Hex(token));
  t.is(snapshots[0]?.customer.phoneLast4Hash, sha256Hex(`${order.orderId}:8430`));
  t.like(snapshots.at(-1)?.dates.promiseChanges[0], { reason: 'Faltou tecido' });

  const onBus = await app.broker.wait(
    topics.order('aurora', order.orderId),
    (each) => (each as OrderSnapshot).version === 9,
  );
  t.is(canonicalJson(onBus as never), outbox.at(-1).payload);
  t.deepEqual(await app.broker.wait(topics.outbox('aurora'), (each) => (each as { seq: number }).seq === 9), {
    seq: 9,
  });
  t.true(
    events.heard.some(({ event, data }) => event === 'order.changed' && (data as { version: number }).version === 9),
  );
});

test('an order that is sent again after a lost answer is the same order, and another customer cannot take its place', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const orderId = newId();
  const promisedAt = inDays(3);
  const first = await addOrder(browser, { orderId, promisedAt });
  const { customerId } = first.customer;
  const body = { orderId, customerId, items: twoItems, promisedAt };
  const again: Order[] = await Promise.all([1, 2, 3].map(() => browser.ok<Order>('POST', '/api/orders', body)));
  for (const order of again) t.deepEqual([order.orderId, order.number, order.version], [orderId, first.number, 1]);
  const { orders } = await browser.ok<{ orders: unknown[] }>('GET', '/api/orders');
  t.is(orders.length, 1);
  const other = await addCustomer(browser, { phone: '(11) 99369-8431' });
  const problem = await browser.refused('POST', '/api/orders', {
    orderId,
    customerId: other.customerId,
    items: twoItems,
    promisedAt: inDays(3),
  });
  t.is(problem.code, 'ALREADY_EXISTS');
});

test('a correction under the same order id is refused with the order that is there, and a true repeat is known by version 1', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const promisedAt = inDays(3);
  const order = await addOrder(browser, { orderId: newId(), promisedAt, note: 'n', discountCents: 10, paidCents: 20 });
  const { orderId, customer } = order;
  const same = { orderId, customerId: customer.customerId, items: twoItems, promisedAt, note: 'n' };
  const body = { ...same, discountCents: 10, paidCents: 20 };
  const edited = await browser.ok<Order>('PATCH', `/api/orders/${orderId}`, {
    expectedVersion: 1,
    note: 'outra',
    items: twoItems.slice(0, 1),
  });
  t.deepEqual(await browser.ok('POST', '/api/orders', body), edited);
  for (const other of [
    { items: [twoItems[0]] },
    { items: [twoItems[0], { ...twoItems[1], quantity: 101 }] },
    { promisedAt: promisedAt + 1 },
    { discountCents: 11 },
    { paidCents: 21 },
    { note: 'outra' },
  ]) {
    const answer = await browser.send('POST', '/api/orders', { ...body, ...other });
    t.is(answer.status, 409);
    t.like(answer.body, { code: 'ALREADY_EXISTS', details: { current: edited } });
  }
  t.deepEqual(await browser.ok('GET', `/api/orders/${orderId}`), edited);
});

test('a write that read an older version is refused with the current order, and changes nothing', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const order = await addOrder(browser);
  const moved = await move(browser, order, 'aprovado');
  const path = `/api/orders/${order.orderId}`;
  for (const [method, at, body] of [
    ['POST', `${path}/move`, { to: 'producao' }],
    ['PATCH', path, { note: 'x' }],
    ['POST', `${path}/promise`, { promisedAt: inDays(9), reason: 'porque sim' }],
  ] as const) {
    const problem = await browser.refused(method, at, { expectedVersion: 1, ...body });
    t.is(problem.code, 'VERSION_CONFLICT');
    t.deepEqual(problem.details?.['current'], moved);
  }
  t.deepEqual(await browser.ok('GET', path), moved);
  const both = await Promise.all(
    ['producao', 'acabamento'].map((to) => browser.send('POST', `${path}/move`, { expectedVersion: 2, to })),
  );
  t.deepEqual(both.map((answer) => answer.status).sort(), [200, 409], 'two people move one card: one wins');
});

test('an order only moves as its status allows, and a delivered or cancelled one keeps its content', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  let order = await addOrder(browser);
  const refusal = async (to: string) =>
    (await browser.refused('POST', `/api/orders/${order.orderId}/move`, { expectedVersion: order.version, to })).code;
  t.is(await refusal('delivered'), 'STATUS_TRANSITION_INVALID');
  t.is(await refusal('nenhum'), 'STATUS_TRANSITION_INVALID');
  t.is((await move(browser, order, 'recebido')).version, 1, 'it is there already: no version');
  order = await move(browser, order, 'pronto');
  t.is(order.dates.approvedAt, null);
  order = await move(browser, order, 'recebido');
  t.is(order.dates.readyAt, null, 'going back forgets what lies ahead');
  order = await move(browser, order, 'cancelled');
  t.truthy(order.dates.cancelledAt);
  t.is(await refusal('recebido'), 'STATUS_TRANSITION_INVALID');
  const patch = (body: object) =>
    browser.send('PATCH', `/api/orders/${order.orderId}`, { expectedVersion: order.version, ...body });
  t.is((await patch({ items: twoItems })).status, 409);
  t.is((await patch({ discountCents: 1 })).status, 409);
  t.is((await patch({ paidCents: 900, note: 'devolvido' })).status, 200, 'what was paid may still be written down');
});

test('editing keeps what was produced of the items that stay', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const order = await addOrder(browser);
  await app.domain.orderPort.recordProduction({
    machineId: newId(),
    messageId: '1',
    orderId: order.orderId,
    good: 2,
    scrap: 1,
    at: Date.now(),
    machineName: 'Plotter',
  });
  const [banner] = order.items;
  const edited = await browser.ok<Order>('PATCH', `/api/orders/${order.orderId}`, {
    expectedVersion: 2,
    items: [
      { description: 'Novo', quantity: 1.5, unit: 'm²', unitPriceCents: 333 },
      { itemId: banner?.itemId, description: 'Banner 4x2 m', quantity: 3, unitPriceCents: 5000 },
    ],
  });
  t.is(edited.totalCents, 500 + 15_000, 'each item is rounded to whole cents');
  t.deepEqual(
    edited.items.map(({ description, produced }) => [description, produced.good, produced.scrap]),
    [
      ['Novo', 0, 0],
      ['Banner 4x2 m', 2, 1],
    ],
  );
  t.is(edited.items[1]?.itemId, banner?.itemId);
  t.is((await app.db('order_items').where({ order_id: order.orderId })).length, 2);
  const same = await browser.ok<Order>('PATCH', `/api/orders/${order.orderId}`, { expectedVersion: 3, note: '' });
  t.is(same.version, 3, 'an edit that changes nothing writes no version');
});

test('numbers are unique and without gaps under parallel orders, also when some of them fail', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { customerId } = await addCustomer(browser);
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      browser.send('POST', '/api/orders', {
        customerId: i % 3 === 0 ? newId() : customerId,
        items: twoItems,
        promisedAt: inDays(1),
      }),
    ),
  );
  const numbers = answers.filter(({ status }) => status === 201).map(({ body }) => Number((body as Order).number));
  t.deepEqual(
    numbers.sort(),
    Array.from({ length: 20 }, (_, i) => 1001 + i),
  );
  t.is(answers.filter(({ status }) => status === 404).length, 10);
});

test('prices, discounts and dates that no order can have are refused', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { customerId } = await addCustomer(browser);
  const body = { customerId, items: twoItems, promisedAt: inDays(1) };
  for (const wrong of [
    { discountCents: 24_001 },
    { promisedAt: 1e15 },
    { promisedAt: -1 },
    { items: [] },
    { items: [{ description: 'x', quantity: 1_000_000, unitPriceCents: 1_000_000 }] },
    { items: [{ description: 'x', quantity: -1, unitPriceCents: 1 }] },
    { surprise: 1 },
  ])
    t.is((await browser.refused('POST', '/api/orders', { ...body, ...wrong })).code, 'BODY_INVALID');
  t.like(await browser.ok('GET', '/api/orders'), { total: 0, nextCursor: null });
});

test('the link can be issued anew, which kills the old one, and revoked', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const order = await addOrder(browser);
  const path = `/api/orders/${order.orderId}`;
  const link = await browser.ok<{ url: string }>('POST', `${path}/link`);
  t.not(link.url, order.link?.url);
  t.is(await app.domain.orderPort.find(order.link?.url ?? ''), null);
  t.is((await app.domain.orderPort.find(`QR: ${link.url}?x=1`))?.orderId, order.orderId);
  await browser.ok('DELETE', `${path}/link`);
  const revoked = await browser.ok<Order>('GET', path);
  t.is(revoked.link, null);
  const [{ payload }] = await app.db('outbox').where({ stream: 'orders' }).orderBy('seq', 'desc').limit(1);
  t.truthy(JSON.parse(payload).tracking.revokedAt);
  t.false(JSON.stringify(await app.db('audit')).includes(link.url.split('/p/')[1] ?? 'x'), 'no token in the trail');
});

test('machines find an order by number, id or link, and what they count is added once', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const order = await addOrder(browser);
  const port = app.domain.orderPort;
  for (const ref of ['1001', '#1001', ' 1001 ', order.orderId, order.link?.url ?? ''])
    t.deepEqual(await port.find(ref), { orderId: order.orderId, number: '1001', customer: 'Maria da Silva' });
  for (const ref of ['1002', newId(), 'https://x/p/AAAAAAAAAAAAAAAAAAAAAA', '', "' or 1=1 --"])
    t.is(await port.find(ref), null);
  const count = { machineId: newId(), orderId: order.orderId, scrap: 1, at: Date.now(), machineName: 'Plotter' };
  const counts = [1, 2, 2, 3, 1].map((id) => port.recordProduction({ ...count, messageId: `m${id}`, good: 30 }));
  await Promise.all(counts);
  const after = await browser.ok<Order>('GET', `/api/orders/${order.orderId}`);
  t.deepEqual(
    after.items.map(({ produced }) => produced),
    [
      { good: 2, scrap: 1 },
      { good: 88, scrap: 2 },
    ],
  );
  t.is(after.version, 4, 'three messages, three versions; the repeats are none');
  t.like(after.history[0], { kind: 'count', who: 'Plotter', data: { good: 30, scrap: 1, machine: 'Plotter' } });
  const [{ payload }] = await app.db('outbox').where({ stream: 'orders' }).orderBy('seq', 'desc').limit(1);
  t.deepEqual(
    JSON.parse(payload).items.map((item: { produced: unknown }) => item.produced),
    [
      { good: 2, total: 2 },
      { good: 88, total: 100 },
    ],
  );
  await t.throwsAsync(port.recordProduction({ ...count, orderId: newId(), messageId: 'm9', good: 1 }), {
    code: 'NOT_FOUND',
  });
});
