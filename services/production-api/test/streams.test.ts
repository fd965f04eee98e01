import type { Database } from '@sgp/service-kit/database';
import type { Customer, Order } from '@sgp/shared/api/orders';
import { type StreamName, streamRules, streams } from '@sgp/shared/sync';
import { payloadSchemas } from '@sgp/shared/sync-payloads';
import test from 'ava';
import { sayUnsent } from '../src/streams/unsent.ts';
import { addOrder, openShopApp, signedIn } from './support/shop-app.ts';
import { openStreams, saidOn } from './support/streams.ts';

const tables = ['customers', 'machines', 'audit', 'outbox', 'outbox_head', 'hlc_state'];
const contents = async (db: Database): Promise<unknown> => Promise.all(tables.map((table) => db(table)));

test('a customer is told with name and first name only, and again only when one of them changes', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const body = { name: 'Maria da Silva', phone: '(11) 99369-8430', taxId: '529.982.247-25', note: 'segredo' };
  const { customerId, createdAt } = await browser.ok<Customer>('POST', '/api/customers', body);
  await browser.ok('PATCH', `/api/customers/${customerId}`, { note: 'outro segredo' });
  await browser.ok('PATCH', `/api/customers/${customerId}`, { firstName: 'Dona Maria' });
  const said = await saidOn(app.db, 'customers');
  t.deepEqual(said, [
    {
      entityId: customerId,
      version: 1,
      payload: { customerId, name: 'Maria da Silva', firstName: 'Maria', createdAt },
    },
    {
      entityId: customerId,
      version: 2,
      payload: { customerId, name: 'Maria da Silva', firstName: 'Dona Maria', createdAt },
    },
  ]);
});

test('a machine is told when it is registered and renamed, without its secret', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const made = await browser.ok<{ machine: { machineId: string } }>('POST', '/api/machines', {
    name: 'Plotter',
    slug: 'p1',
  });
  const { machineId } = made.machine;
  await browser.ok('POST', `/api/machines/${machineId}/credential`);
  await browser.ok('PATCH', `/api/machines/${machineId}`, { sector: 'Corte' });
  const said = await saidOn(app.db, 'machines');
  t.deepEqual(
    said.map(({ entityId, version }) => [entityId, version]),
    [
      [machineId, 1],
      [machineId, 2],
    ],
  );
  t.like(said[1]?.payload, { slug: 'p1', name: 'Plotter', sector: 'Corte' });
  t.deepEqual(Object.keys(said[1]?.payload ?? {}).sort(), ['createdAt', 'kind', 'machineId', 'name', 'sector', 'slug']);
});

test('who did what is told without what it was before and after; what a machine counts is not', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const order = await addOrder(await signedIn(app));
  const count = { machineId: order.orderId, orderId: order.orderId, good: 1, scrap: 0, at: 1, machineName: 'Plotter' };
  await app.domain.orderPort.recordProduction({ ...count, messageId: 'm1' });
  const said = await saidOn(app.db, 'audit');
  t.deepEqual(
    said.map(({ payload }) => [payload['entity'], payload['action'], payload['who']]),
    [
      ['user', 'set-up', 'Ana'],
      ['customer', 'created', 'Ana'],
      ['order', 'created', 'Ana'],
    ],
  );
  t.false(JSON.stringify(said).includes('Maria'), 'no content leaves with the trail');
  t.is((await app.db('audit')).length, 4, 'the count is in the trail of the shop');
});

test('every row of the outbox is in the lane of its stream, fits its schema and its entity', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const order: Order = await addOrder(browser);
  await browser.ok('PUT', `/api/blocks/${order.customer.customerId}`, {
    subject: 'customer',
    blocked: true,
    reason: 'x',
  });
  const rows = await app.db('outbox').orderBy('seq');
  t.true(new Set(rows.map(({ stream }) => stream)).size >= 4);
  for (const row of rows) {
    const stream = streams.find((each) => each === row.stream) as StreamName;
    t.is(row.lane, streamRules[stream].lane);
    t.true(payloadSchemas[stream].safeParse(JSON.parse(row.payload)).success, row.payload);
  }
});

test('a row and what is told of it are written together or not at all', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const before = await contents(app.db);
  await app.db.raw("create trigger broken before insert on outbox begin select raise(abort, 'the disk'); end");
  t.is((await browser.refused('POST', '/api/customers', { name: 'Maria' })).code, 'INTERNAL');
  t.is((await browser.refused('POST', '/api/machines', { name: 'Plotter', slug: 'p1' })).code, 'INTERNAL');
  t.deepEqual(await contents(app.db), before);
});

test('customers and machines that are older than their streams are told once', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  await addOrder(browser);
  await browser.ok('POST', '/api/machines', { name: 'Plotter', slug: 'p1' });
  await app.db('outbox').delete();
  for (const table of ['customers', 'machines']) await app.db(table).update({ sync_version: 0 });
  const { say } = openStreams(app.db, app.identity);
  for (let start = 0; start < 2; start++) await sayUnsent(app.db, say);
  t.is((await saidOn(app.db, 'customers')).length, 1);
  t.is((await saidOn(app.db, 'machines')).length, 1);
});
