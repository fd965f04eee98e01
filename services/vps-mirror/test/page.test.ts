import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openWebApp } from '../src/page/web-app.ts';
import { freshSqlite } from './support/databases.ts';
import { batchOf, changeOf, newLink, snapshotOf } from './support/edge.ts';
import { openBench, push, send } from './support/mirror.ts';

const shell =
  '<!doctype html><html><head><script src="/app.js"></script></head><body><div id="app"><!--order--></div></body></html>';

async function webFolder(): Promise<AsyncDisposable & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'sgp-pwa-'));
  await writeFile(join(dir, 'index.html'), shell);
  await writeFile(join(dir, 'app.js'), 'export {};');
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

test.serial("the page of a link says the order's status, dates and items without JavaScript", async (t) => {
  await using web = await webFolder();
  await using bench = await openBench(freshSqlite, { webDir: web.dir });
  const { token, tracking } = newLink();
  await push(bench, batchOf(bench.edge, 1, [changeOf(snapshotOf(bench.edge, { tracking }), 1)]));
  const page = await send(`${bench.mirror.url}/p/${token}`, 'GET', { accept: 'text/html' });
  t.is(page.status, 200);
  for (const text of ['Recebido', 'Pedido 2847', 'Ana', 'Etapa: Arte final', '25/11/2026', '12 un Camiseta bordada'])
    t.true(page.text.includes(text), text);
  t.true(page.text.includes('<script src="/app.js">'));
  t.false(page.text.includes('1.234,50'), 'no price');
  t.is(page.headers['x-robots-tag'], 'noindex, nofollow');
  t.is(page.headers['referrer-policy'], 'no-referrer');
  t.regex(String(page.headers['content-security-policy']), /default-src 'none'; script-src 'self'; style-src 'self'/);
  const english = await send(`${bench.mirror.url}/p/${token}`, 'GET', { 'accept-language': 'en-US,en;q=0.9' });
  t.true(english.text.includes('Received') && english.text.includes('lang="en"'));
});

test.serial('pwa/xss-corpus: what the shop wrote is text on the page, never markup', async (t) => {
  await using web = await webFolder();
  await using bench = await openBench(freshSqlite, { webDir: web.dir });
  const corpus = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    '</div><svg onload=x>',
    '$&$`<!--order-->',
  ];
  for (const [index, evil] of corpus.entries()) {
    const { token, tracking } = newLink();
    const base = snapshotOf(bench.edge, { tracking });
    const snapshot = {
      ...base,
      customer: { ...base.customer, firstName: evil },
      stage: { key: 'x', label: evil },
      items: [{ itemId: base.orderId, description: evil, quantity: 1, unit: '<b>' }],
      shop: { ...base.shop, name: evil, phone: '<i>', timeZone: evil },
    };
    t.is((await push(bench, batchOf(bench.edge, index + 1, [changeOf(snapshot, 1)]))).status, 200);
    const page = await send(`${bench.mirror.url}/p/${token}`, 'GET', {});
    t.is(page.status, 200);
    const written = page.text.slice(page.text.indexOf('<main'), page.text.indexOf('</main>'));
    const tags = [...written.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name]) => name);
    const allowed = new Set(['main', 'p', 'strong', 'h1', 'h2', 'ol', 'ul', 'li', 'time', 'small']);
    t.deepEqual(
      tags.filter((name) => !allowed.has(String(name))),
      [],
      evil,
    );
    t.is(page.text.split('id="app"').length, 2, 'the page itself stands once');
  }
});

test.serial('a link that opens nothing gets the neutral page, whatever the reason', async (t) => {
  await using web = await webFolder();
  await using bench = await openBench(freshSqlite, { webDir: web.dir });
  const revoked = newLink();
  const tracking = { ...revoked.tracking, revokedAt: '2026-11-21T12:00:00Z' };
  await push(bench, batchOf(bench.edge, 1, [changeOf(snapshotOf(bench.edge, { tracking }), 1)]));
  const pages = await Promise.all(
    [revoked.token, 'A'.repeat(22), 'x'].map((token) => send(`${bench.mirror.url}/p/${token}`, 'GET', {})),
  );
  for (const page of pages) t.is(page.status, 404);
  t.is(new Set(pages.map(({ text }) => text)).size, 1);
  t.true(pages[0]?.text.includes('Este link não abre mais'));
});

test.serial(
  "the app's files are served with the strict policy, and API addresses never answer the app's page",
  async (t) => {
    await using web = await webFolder();
    await using bench = await openBench(freshSqlite, { webDir: web.dir });
    const home = await send(`${bench.mirror.url}/`, 'GET', { accept: 'text/html' });
    t.is(home.status, 200);
    t.regex(String(home.headers['content-security-policy']), /frame-ancestors 'none'/);
    t.is(
      (await send(`${bench.mirror.url}/app.js`, 'GET', {})).headers['content-type'],
      'text/javascript; charset=utf-8',
    );
    for (const path of ['/api/nothing', '/internal/nothing', '/media/nothing'])
      t.is((await send(bench.mirror.url + path, 'GET', { accept: 'text/html' })).code, 'NOT_FOUND', path);
  },
);

test.serial('photos from a bucket are allowed by the policy, and nothing else is', async (t) => {
  await using web = await webFolder();
  const { csp } = openWebApp({ dir: web.dir, mediaOrigin: 'https://s3.example.com' });
  t.true(csp.includes("img-src 'self' data: blob: https://s3.example.com;"));
  t.true(csp.includes("script-src 'self';"));
});

test.serial(
  'a folder without a built app, or with a page that has no place for the text, stops the start with a plain sentence',
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'sgp-pwa-'));
    t.teardown(() => rm(dir, { recursive: true, force: true }));
    t.throws(() => openWebApp({ dir, mediaOrigin: null }), { name: 'ConfigError', message: /build the web apps/ });
    await writeFile(join(dir, 'index.html'), '<html></html>');
    t.throws(() => openWebApp({ dir, mediaOrigin: null }), { name: 'ConfigError', message: /<!--order-->/ });
  },
);
