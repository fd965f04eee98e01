import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Bundle, BundleState } from '@sgp/shared/api/sync';
import type { ErrorCode, Problem } from '@sgp/shared/errors';
import { bundleAckFormat } from '@sgp/shared/sync-bundle';
import test from 'ava';
import { pageSql } from '../src/bundle/write-bundle.ts';
import { openProductionDb } from '../src/db.ts';
import type { Browser } from './support/browser.ts';
import { addCustomer, openShopApp, type ShopApp, signedIn } from './support/shop-app.ts';

/** The sync page's side of a file, over real HTTP. What it holds and what its answer settles: test/e2e/bundle.test.ts. */

const filesOf = (app: ShopApp) => readdir(join(app.dir, 'media', 'bundles'));
const download = (app: ShopApp, browser: Browser, bundleId: string): Promise<Response> =>
  fetch(`${app.url}/api/sync/bundle/${bundleId}/file`, { headers: { cookie: browser.cookie } });
const settle = async (app: ShopApp, browser: Browser, bytes: Uint8Array): Promise<Problem> => {
  const headers = { cookie: browser.cookie, origin: app.url, 'content-type': 'application/octet-stream' };
  const answer = await fetch(`${app.url}/api/sync/bundle/ack`, {
    method: 'POST',
    headers,
    body: new Uint8Array(bytes),
  });
  return (await answer.json()) as Problem;
};

test('a file is made, told, and downloaded under the name of shop and time; only the newest is kept', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  await addCustomer(browser);
  const before = (await browser.ok('GET', '/api/sync/bundle')) as BundleState;
  t.true(before.pending > 0);
  t.is(before.bundle, null);

  const first = (await browser.ok('POST', '/api/sync/bundle')) as Bundle;
  t.like(first, { changes: before.pending, complete: true, kept: true, settledAt: null });
  t.regex(first.fileName, /^sgp-aurora-\d{4}-\d\d-\d\d-\d{6}\.sgp$/);
  t.deepEqual(await browser.ok('GET', '/api/sync/bundle'), { pending: before.pending, bundle: first });
  const answer = await download(app, browser, first.bundleId);
  t.is(answer.headers.get('content-disposition'), `attachment; filename="${first.fileName}"`);
  t.is(answer.headers.get('cache-control'), 'no-store');
  const bytes = Buffer.from(await answer.arrayBuffer());
  t.is(bytes.length, first.bytes);
  t.false(gunzipSync(bytes).includes('npk_live_'), 'no API key travels: a file that is lost opens nothing');

  const second = (await browser.ok('POST', '/api/sync/bundle')) as Bundle;
  t.deepEqual(await filesOf(app), [second.fileName]);
  t.is((await download(app, browser, first.bundleId)).status, 404, 'not even where both have one name');
  await rm(join(app.dir, 'media', 'bundles', second.fileName));
  t.like(await browser.ok('GET', '/api/sync/bundle'), { bundle: { bundleId: second.bundleId, kept: false } });
  t.is((await download(app, browser, second.bundleId)).status, 404);
});

test('two who press the button at once get one file', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  await addCustomer(browser);
  const made = await Promise.all([1, 2, 3].map(() => browser.ok('POST', '/api/sync/bundle') as Promise<Bundle>));
  t.is(new Set(made.map(({ bundleId }) => bundleId)).size, 1);
  t.is((await filesOf(app)).length, 1);
});

test('what is no acknowledgement of a file of this shop is refused with its code, and what waits stays', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  await addCustomer(browser);
  const { bundleId } = (await browser.ok('POST', '/api/sync/bundle')) as Bundle;
  const before = await browser.ok('GET', '/api/sync/bundle');
  const head = (id: string): Buffer => gzipSync(`${JSON.stringify({ format: bundleAckFormat, bundleId: id })}\n`);
  const refused: readonly (readonly [Uint8Array, ErrorCode])[] = [
    [new Uint8Array(0), 'BUNDLE_INVALID'],
    [Buffer.from('a photo'), 'BUNDLE_INVALID'],
    [head('01a217b4-0000-7000-8000-000000000000'), 'BUNDLE_FOREIGN'],
    [head(bundleId), 'BUNDLE_INVALID'],
    [gzipSync(Buffer.alloc(40 * 1024 * 1024, '\n')), 'BUNDLE_INVALID'],
    [gzipSync(Buffer.alloc(40 * 1024 * 1024, 'x')), 'BODY_TOO_LARGE'],
    [Buffer.alloc(17 * 1024 * 1024), 'BODY_TOO_LARGE'],
  ];
  for (const [bytes, code] of refused) t.is((await settle(app, browser, bytes)).code, code);
  t.deepEqual(await browser.ok('GET', '/api/sync/bundle'), before);
});

test('what is newer than a row is found by its key, so that the time for a file grows with the queue and not with its square', async (t) => {
  const db = await openProductionDb('sqlite::memory:');
  const plan: readonly { readonly detail: string }[] = await db.raw(`explain query plan ${pageSql}`, [
    ...['orders', 0, 9, 9, 500],
  ]);
  await db.destroy();
  const steps = plan.map(({ detail }) => detail);
  t.true(
    steps.some((step) => /SEARCH waiting .*seq>\?/.test(step)),
    steps.join('; '),
  );
  t.true(
    steps.some((step) => /SEARCH newer .*entity_id=\? AND version>\?/.test(step)),
    steps.join('; '),
  );
});
