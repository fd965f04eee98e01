import { newId } from '@sgp/service-kit/ids';
import type { ShopEventName } from '@sgp/shared/api/events';
import { type SyncPage, syncPageSchema } from '@sgp/shared/api/shop';
import type { SyncStatus } from '@sgp/shared/sync';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { openDownInbox } from '../src/inbox/open-down-inbox.ts';
import { createSharedNews } from '../src/shop/shared-news.ts';
import { createSyncStore } from '../src/sync/sync-store.ts';
import { openBrowser } from './support/browser.ts';
import { createDownLog, material, user } from './support/down-world.ts';
import { addOrder, openShopApp, signedIn } from './support/shop-app.ts';
import { until } from './support/sync-world.ts';

const status: SyncStatus = {
  ...{ state: 'ok', at: 0, lastAckAt: 900, offlineSince: null, pendingChanges: 0, oldestPendingAt: null },
  ...{ pendingMedia: 0, parkedChanges: 0, clockSkewMs: 12, ackedSeq: 3, error: null },
};

test('the page shows how far the shop is with what the Core has, and the versions of both', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await openShopApp(stack);
  const browser = await signedIn(shop);
  const read = async () => syncPageSchema.parse(await browser.ok<SyncPage>('GET', '/api/sync'));
  t.like((await read()).down, { cursor: 0, head: null, lastAnswerAt: null, problem: null }, 'nobody said anything yet');
  t.is((await read()).versions.cloud, null);
  const down = { cursor: 4, head: 9, lastAnswerAt: 77, problem: { code: 'SIG_INVALID', detail: 'why' } } as const;
  const topic = topics.syncStatus(shop.identity.est);
  await shop.broker.publish(topic, { ...status, at: Date.now(), down, coreVersion: '9.9.9' });
  const page = await until('it is heard', async () => {
    const found = await read();
    return found.down.head === 9 && found;
  });
  t.like(page.down, { head: 9, lastAnswerAt: 77, problem: { code: 'SIG_INVALID' } });
  t.is(page.versions.cloud, '9.9.9');
  t.regex(page.versions.shop, /^\d+\.\d+\.\d+/);
});

test('a change of the Core that did not fit is applied when a manager tries it again and there is room', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await openShopApp(stack);
  const boss = await signedIn(shop);
  const { userId } = await boss.ok<{ userId: string }>('POST', '/api/users', {
    ...{ name: 'Bia', login: 'bia', password: 'senha bem comprida', role: 'desk' },
  });
  const inbox = openDownInbox(shop.db, shop.identity);
  const log = createDownLog();
  const theirs = user({ login: 'bia', name: 'Beatriz' });
  log.user(theirs);
  await inbox.apply(log.step(0));
  const parked = async () => syncPageSchema.parse(await boss.ok<SyncPage>('GET', '/api/sync')).down.parked;
  t.like((await parked())[0], { stream: 'users', entityId: theirs.userId, name: 'Beatriz', code: 'ALREADY_EXISTS' });

  const file = await boss.send('GET', `/api/sync/down/users/${theirs.userId}`);
  t.regex(file.headers.get('content-disposition') ?? '', /^attachment; filename="sgp-users-.*\.json"$/);
  t.like(file.body, { code: 'ALREADY_EXISTS', payload: { name: 'Beatriz' } });
  t.is((await createSyncStore(shop.db).waiting()).parkedDown, 1, 'it is counted until it is settled');

  const path = `/api/sync/down/users/${theirs.userId}/retry`;
  t.is((await openBrowser(shop.url).refused('POST', path)).code, 'SESSION_EXPIRED');
  t.is((await boss.refused('POST', path)).code, 'ALREADY_EXISTS', 'it still does not fit');
  t.is((await parked()).length, 1);
  await shop.db('users').where({ user_id: userId }).update({ login: 'bia.da.loja' });
  await boss.ok('POST', path);
  t.deepEqual(await parked(), []);
  t.like(await shop.db('users').where({ user_id: theirs.userId }).first(), { login: 'bia', name: 'Beatriz' });
  const entry = await shop.db('audit').where({ entity: 'sync' }).first();
  t.like(entry, { who: 'Ana', action: 'retried', entity_id: theirs.userId });
  t.is((await boss.refused('POST', path)).code, 'NOT_FOUND');
  const retried = await inbox.retried();
  t.like(retried, [{ stream: 'users', entityId: theirs.userId, version: 1 }] as never);
  await inbox.retriedTold(retried);
  t.deepEqual(await inbox.retried(), [], 'the Core is told once');

  log.user({ ...theirs, name: 'Beatriz Lima' });
  t.deepEqual((await inbox.apply(log.step(1))).parked, [], 'the next version follows the one that was tried again');
});

test('a change whose content is not the signed one is not applied by trying it again', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await openShopApp(stack);
  const inbox = openDownInbox(shop.db, shop.identity);
  const log = createDownLog();
  const itemId = newId();
  log.add('catalogue', itemId, material(itemId, { name: 'Lona', active: true }), { hash: '0'.repeat(64) });
  await inbox.apply(log.step(0));
  const noted = () => Promise.reject(new Error('nothing may be noted'));
  t.like(await inbox.retry('catalogue', itemId, noted), { code: 'DIGEST_MISMATCH' });
  t.is(await inbox.retry('catalogue', newId(), noted), undefined);
});

test('open screens hear of stock, catalogue and conflicts, also when another process applied what came down', async (t) => {
  const told: ShopEventName[] = [];
  const news = createSharedNews({ send: (name) => void told.push(name) });
  const act = news.after(async (n: number) => n + 1, 'stock.changed');
  t.is(await act(1), 2);
  await t.throwsAsync(news.after(() => Promise.reject(new Error('no')), 'catalogue.changed'));
  t.deepEqual(told.splice(0), ['stock.changed'], 'what was refused is no news');
  const down = (cursor: number) => ({ down: { cursor, head: cursor, lastAnswerAt: 1, problem: null } });
  news.heard({});
  news.heard(down(4));
  news.heard(down(4));
  t.deepEqual(told, [], 'the first word is where screens begin');
  news.heard(down(5));
  t.deepEqual(told, ['stock.changed', 'catalogue.changed', 'conflicts.changed']);
});

test('photos are counted from the outage in which the oldest waiting one was taken', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await openShopApp(stack);
  const browser = await signedIn(shop);
  const photos = async () => (await browser.ok<SyncPage>('GET', '/api/sync')).photos;
  t.deepEqual(await photos(), { done: 0, total: 0 });
  const { orderId } = await addOrder(browser);
  const add = (state: string, created_at: number, updated_at: number) =>
    shop.db('media').insert({
      ...{ media_id: newId(), order_id: orderId, file_name: 'a.jpg', size_bytes: 1, received_bytes: 1, state },
      ...{ stage_key: 's', stage_label: 'S', visible: 1, taken_at: 1, created_at, updated_at },
    });
  await add('published', 10, 20);
  await add('published', 110, 350);
  await add('uploaded', 120, 130);
  await add('uploaded', 130, 130);
  t.deepEqual(await photos(), { done: 1, total: 3 });
  await shop.db('sync_incidents').insert({
    ...{ id: newId(), cause: 'NETWORK', started_at: 15, ended_at: 300, peak_pending: 1, sent: 1 },
  });
  t.deepEqual(await photos(), { done: 2, total: 4 });
});
