import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TrackedOrder } from '@sgp/shared/api/tracking';
import type { ExecutionContext } from 'ava';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../../infra/test/browser.ts';
import { startShop, type TestShop, until } from '../support/shop.ts';

/** The whole shop, one browser and the orders of this file's tests. */
export type PwaBench = AsyncDisposable & {
  readonly all: TestShop;
  readonly browser: Browser;
  /** A new order of Marina's, whose link answers at the mirror. */
  newOrder(options?: { readonly stages?: readonly string[]; readonly photos?: readonly string[] }): Promise<NewOrder>;
  /** A phone (360 × 740) unless the options say otherwise; closed with the test. */
  visit(t: ExecutionContext, options?: BrowserContextOptions): Promise<{ context: BrowserContext; page: Page }>;
};
export type NewOrder = { readonly orderId: string; readonly url: string; readonly token: string };

export const phoneLast4 = '4470';
const hourMs = 3_600_000;
const photo = (name: string): Buffer =>
  readFileSync(new URL(`../../infra/start/demo/photos/${name}.webp`, import.meta.url));

/** Starts what every test of the file shares. Disposing stops it. */
export async function startPwaBench(log: (text: string) => void): Promise<PwaBench> {
  await using stack = new AsyncDisposableStack();
  // A hook has no teardown of its own, so the shop's goes on the stack.
  const all = await startShop({ log, teardown: (act) => stack.defer(async () => act()) });
  const { shop, urls } = all;
  await fetch(`${urls.intranet}/api/settings`, {
    method: 'PUT',
    headers: { cookie: shop.cookie, 'content-type': 'application/json' },
    body: JSON.stringify({
      shop: {
        name: 'Fio & Ponto Bordados',
        phone: '(47) 3441-0090',
        whatsapp: '(47) 99812-4470',
        timeZone: 'America/Sao_Paulo',
      },
    }),
  });
  const customer = await shop.createCustomer({
    name: 'Colégio Estrela do Vale',
    firstName: 'Marina',
    phone: `(47) 99812-${phoneLast4}`,
  });
  const browser = await chromium.launch({ executablePath: await findBrowser(), args: ['--no-sandbox'] });
  stack.defer(() => browser.close());
  const resources = stack.move();
  return {
    all,
    browser,
    async newOrder({ stages = ['aprovado', 'producao'], photos = [] } = {}) {
      let order = await shop.createOrder({
        customerId: customer.customerId,
        promisedAt: Date.now() + 72 * hourMs,
        paidCents: 100_00,
        items: [
          { description: 'Polo piquê azul-marinho', quantity: 120, unit: 'un', unitPriceCents: 44_80, spec: [] },
          { description: 'Faixa de lona', quantity: 12.5, unit: 'm²', unitPriceCents: 10_00, spec: [] },
        ],
      });
      for (const stage of stages) order = await shop.move(order, stage);
      for (const name of photos) await shop.addPhoto(order.orderId, `${name}.webp`, photo(name));
      const url = order.link?.url as string;
      const token = new URL(url).pathname.split('/').at(-1) as string;
      await until(
        'the mirror knows the order',
        async () => (await fetch(`${urls.mirror}/api/tracking/${token}`)).json() as Promise<TrackedOrder>,
        (tracked) => tracked.version >= order.version && tracked.media.length === photos.length,
        40_000,
      );
      return { orderId: order.orderId, url, token };
    },
    async visit(t, options = {}) {
      const context = await browser.newContext({
        viewport: { width: 360, height: 740 },
        locale: 'pt-BR',
        timezoneId: 'America/Manaus',
        ...options,
      });
      t.teardown(() => context.close());
      return { context, page: await context.newPage() };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

// What runs in the page is text: this project knows Node's names and not a browser's.

/** Resolves once the service worker controls the page. */
export async function untilControlled(page: Page): Promise<void> {
  await until(
    'the service worker controls the page',
    () => page.evaluate<string | undefined>('navigator.serviceWorker.controller?.state'),
    (state) => state === 'activated',
  );
}

/** Resolves once so many photos are kept for a visit without the Internet. */
export async function untilKeptPhotos(page: Page, count: number): Promise<void> {
  const keys = "caches.open('photos').then((cache) => cache.keys()).then(({ length }) => length)";
  await until(
    `${count} photos are kept`,
    () => page.evaluate<number>(keys),
    (length) => length === count,
  );
}

export const stripPhotos = '.strip img:not(.likeness)';

/** Resolves once so many photos of the strip are really drawn. */
export async function untilDrawn(page: Page, count: number): Promise<void> {
  const drawn = `[...document.querySelectorAll('${stripPhotos}')].filter((each) => each.naturalWidth > 0).length`;
  await until(
    `${count} photos are drawn`,
    () => page.evaluate<number>(drawn),
    (length) => length === count,
  );
}

/** Everything that the page keeps in its storage, as text. */
export const storedText = (page: Page): Promise<string> => page.evaluate('JSON.stringify(localStorage)');

/** Marks the document, so that a reload is noticed. */
export const markDocument = (page: Page): Promise<void> => page.evaluate('void (window.marked = true)');
export const isMarked = (page: Page): Promise<boolean> => page.evaluate("'marked' in window");

/** Sums up layout shifts (Layout Instability) from the start of every document. */
export const watchLayoutShift = (page: Page): Promise<unknown> =>
  page.addInitScript(`window.shift = 0;
    new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) window.shift += value;
    }).observe({ type: 'layout-shift', buffered: true });`);
export const layoutShift = (page: Page): Promise<number> => page.evaluate('window.shift');

/**
 * The mirror behind one more server, whose service worker gets another last line when the test says so: how a browser
 * sees a new version of the app.
 */
export async function startReleases(t: ExecutionContext, mirrorUrl: string) {
  const release = { number: 1 };
  const server = createServer((asked, answer) => {
    const onward = request(
      new URL(asked.url ?? '/', mirrorUrl),
      { method: asked.method, headers: { ...asked.headers, 'accept-encoding': 'identity' } },
      (response) => {
        const { 'content-length': _, etag: __, ...headers } = response.headers;
        answer.writeHead(response.statusCode ?? 502, headers);
        response.on('end', () => answer.end(asked.url === '/sw.js' ? `\n// release ${release.number}` : ''));
        response.pipe(answer, { end: false });
      },
    );
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { release, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
