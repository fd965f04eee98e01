import { newId } from '@sgp/service-kit/ids';
import type { Block, CatalogueItem } from '@sgp/shared/api/catalogue';
import type { Order } from '@sgp/shared/api/orders';
import type { Hlc } from '@sgp/shared/clock';
import type { FieldEdit } from '@sgp/shared/sync-payloads';
import test from 'ava';
import { openDownInbox } from '../src/inbox/open-down-inbox.ts';
import { coreStamp, createDownLog, material } from './support/down-world.ts';
import { addCustomer, addOrder, inDays, openShopApp, signedIn, twoItems } from './support/shop-app.ts';
import { saidOn } from './support/streams.ts';

async function openWorld(stack: AsyncDisposableStack) {
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const inbox = openDownInbox(app.db, app.identity);
  const log = createDownLog();
  const down = async (entity: Parameters<typeof log.shared>[0]) => {
    log.shared(entity);
    return inbox.apply(log.step(log.changes.length - 1));
  };
  const block = (entityId: string, blocked: boolean, at: Hlc, reason = '') =>
    down({
      kind: 'block',
      entityId,
      fields: { subject: { value: 'customer', at }, blocked: { value: blocked, at }, reason: { value: reason, at } },
    });
  const shown = async () => (await browser.ok<{ blocks: Block[] }>('GET', '/api/blocks')).blocks;
  return { app, browser, down, block, shown };
}

test('a blocked customer gets no new order, with the reason; open ones go on; unblocked they do again', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { browser, app } = await openWorld(stack);
  const open = await addOrder(browser);
  const { customerId } = open.customer;
  const address = `/api/blocks/${customerId}`;
  await browser.ok('PUT', address, { subject: 'customer', blocked: true, reason: 'não pagou' });
  const body = { customerId, items: twoItems, promisedAt: inDays(3) };
  const refused = await browser.send('POST', '/api/orders', body);
  t.like(refused, { status: 409 });
  t.like(refused.body, { code: 'BLOCKED', details: { subject: 'customer', reason: 'não pagou' } });
  await browser.ok('PATCH', `/api/orders/${open.orderId}`, { expectedVersion: open.version, note: 'segue' });
  await browser.ok('PUT', address, { subject: 'customer', blocked: false, reason: '' });
  await browser.ok<Order>('POST', '/api/orders', body);
  const [first, second] = await saidOn<FieldEdit>(app.db, 'blocks');
  t.is(first?.payload.fields['blocked']?.saw, null);
  t.is(second?.payload.fields['blocked']?.saw, first?.payload.at, 'it knew of the block that it lifts');
  t.deepEqual(Object.keys(second?.payload.fields ?? {}).sort(), ['blocked', 'reason']);
});

test('a blocked machine gets no new credential', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { browser } = await openWorld(stack);
  const { machine } = await browser.ok<{ machine: { machineId: string } }>('POST', '/api/machines', {
    name: 'Plotter',
    slug: 'p1',
  });
  const address = `/api/machines/${machine.machineId}/credential`;
  const set = (blocked: boolean) =>
    browser.ok('PUT', `/api/blocks/${machine.machineId}`, { subject: 'machine', blocked, reason: 'quebrada' });
  await set(true);
  t.is((await browser.refused('POST', address)).code, 'BLOCKED');
  await set(false);
  await browser.ok('POST', address);
});

test('a block of the cloud wins over an unblock of the shop that did not know of it', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { browser, block, shown } = await openWorld(stack);
  const { customerId } = await addCustomer(browser);
  const now = Date.now();
  await block(customerId, true, coreStamp(now - 5000), 'primeiro');
  await browser.ok('PUT', `/api/blocks/${customerId}`, { subject: 'customer', blocked: false, reason: '' });
  t.deepEqual(await shown(), [], 'it saw the block that it lifts');
  // Written before the unblock, and neither knew of the other.
  await block(customerId, true, coreStamp(now - 1000), 'segundo');
  t.like(await shown(), [{ entityId: customerId, blocked: true, reason: 'segundo', name: 'Maria da Silva' }]);
});

test('an edit of the shop stands over an older state of the cloud while it waits, and no longer once it is acknowledged', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, browser, down } = await openWorld(stack);
  const itemId = newId();
  const at = (ms: number) => coreStamp(Date.now() - 10_000 + ms);
  const item = async () =>
    (await browser.ok<{ items: CatalogueItem[] }>('GET', '/api/catalogue')).items.find(
      (each) => each.itemId === itemId,
    );
  await down(material(itemId, { name: 'Lona', active: true, leadDays: 1 }, at(0)));
  await browser.ok('PATCH', `/api/catalogue/${itemId}`, { leadDays: 5, place: 'A3' });
  await down(material(itemId, { name: 'Lona azul', active: true, leadDays: 2 }, at(1)));
  t.like(
    await item(),
    { name: 'Lona azul', leadDays: 5, place: 'A3' },
    'the name is the cloud’s, the edit still waits',
  );
  const [edit] = await saidOn<FieldEdit>(app.db, 'edits');
  t.like(edit?.payload.fields, { leadDays: { value: 5 }, place: { value: 'A3', saw: null } });
  await app.db('outbox').where({ stream: 'edits' }).delete();
  await down(material(itemId, { name: 'Lona azul', active: true, leadDays: 3 }, at(2)));
  t.like(await item(), { leadDays: 3, place: null }, 'the cloud has judged the edit');
  t.deepEqual(await app.db('shared_edits'), []);
});

test('the shop cannot write what the cloud owns, nor what it does not have', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { browser, down } = await openWorld(stack);
  const itemId = newId();
  await down(material(itemId, { name: 'Lona', active: true }));
  for (const body of [{ name: 'x' }, { priceCents: 1 }, { active: false }])
    t.is((await browser.refused('PATCH', `/api/catalogue/${itemId}`, body)).code, 'BODY_INVALID');
  t.is((await browser.refused('PATCH', `/api/catalogue/${newId()}`, { place: 'A' })).code, 'NOT_FOUND');
  const block = { subject: 'customer', blocked: true, reason: '' };
  t.is((await browser.refused('PUT', `/api/blocks/${newId()}`, block)).code, 'NOT_FOUND');
});

test('writing what stands already tells nothing', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, browser, down } = await openWorld(stack);
  const itemId = newId();
  await down(material(itemId, { name: 'Lona', active: true, leadDays: 2 }));
  await browser.ok('PATCH', `/api/catalogue/${itemId}`, { leadDays: 2 });
  const block = { subject: 'material', blocked: true, reason: 'mofo' };
  for (let n = 0; n < 2; n++) await browser.ok('PUT', `/api/blocks/${itemId}`, block);
  t.is((await saidOn(app.db, 'edits')).length, 0);
  t.is((await saidOn(app.db, 'blocks')).length, 1);
});
