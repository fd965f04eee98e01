import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { root } from '../../infra/start/root.ts';
import { axeProblems, overflowPx } from './support-page.ts';
import {
  isMarked,
  layoutShift,
  markDocument,
  type PwaBench,
  phoneLast4,
  startPwaBench,
  startReleases,
  storedText,
  stripPhotos,
  untilControlled,
  untilDrawn,
  untilKeptPhotos,
  watchLayoutShift,
} from './support-pwa.ts';

let bench: PwaBench;
test.before(async (t) => {
  bench = await startPwaBench((text) => t.log(text));
});
test.after.always(() => bench?.[Symbol.asyncDispose]());

const headline = (page: Page) => page.locator('.now-card h1');
const waitForHeadline = (page: Page, text: string) => headline(page).getByText(text, { exact: true }).waitFor();
const dist = join(root, 'web/pwa/dist');

test.serial('the link shows status, promised day, steps and items, and nothing private', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder();
  await page.goto(order.url);
  await waitForHeadline(page, 'Seu pedido está em produção');
  const text = await page.locator('body').innerText();
  for (const part of [
    'Oi, Marina',
    'Fio & Ponto Bordados',
    'Pronto até',
    'Andamento',
    'Recebido',
    'Polo piquê azul-marinho',
  ])
    t.true(text.includes(part), part);
  t.true(text.includes('12,5 m²'));
  for (const secret of [phoneLast4, 'Estrela do Vale', 'R$']) t.false(text.includes(secret), secret);
  t.deepEqual(await page.locator('.timeline > li').evaluateAll((steps) => steps.map(({ className }) => className)), [
    'done',
    'done',
    'now',
    'todo',
    'todo',
  ]);
  const whatsapp = await page.getByRole('link', { name: 'WhatsApp' }).getAttribute('href');
  t.regex(whatsapp ?? '', /^https:\/\/wa\.me\/5547998124470\?text=Oi/);
  t.is(await page.getByRole('link', { name: 'Ligar' }).getAttribute('href'), 'tel:+554734410090');
  t.is(await overflowPx(page), 0, 'no sideways scroll at 360');
});

test.serial('a move and a changed date appear on the open page by themselves', async (t) => {
  const { page } = await bench.visit(t);
  const { shop } = bench.all;
  const order = await bench.newOrder();
  await page.goto(order.url);
  await waitForHeadline(page, 'Seu pedido está em produção');
  await markDocument(page);
  const old = await shop.order(order.orderId);
  const changed = await shop.promise(old, old.promisedAt + 24 * 3_600_000, 'A malha chegou um dia depois.');
  await page.locator('.changed').getByText('A malha chegou um dia depois.').waitFor();
  t.is(await page.locator('.changed s').count(), 1, 'the old day is struck through');
  await shop.move(changed, 'pronto');
  await waitForHeadline(page, 'Seu pedido está pronto');
  t.true((await page.title()).startsWith('Seu pedido está pronto'));
  t.true(await isMarked(page), 'without a reload');
});

test.serial(
  'after the first visit the page opens in airplane mode with its photos and says of when it is',
  async (t) => {
    const { page, context } = await bench.visit(t);
    const order = await bench.newOrder({ photos: ['peito', 'bastidor'] });
    const other = await bench.newOrder();
    await page.goto(order.url);
    const strip = page.locator(stripPhotos);
    await strip.nth(1).waitFor();
    await untilControlled(page);
    await untilKeptPhotos(page, 2);
    await context.setOffline(true);
    await page.reload();
    await waitForHeadline(page, 'Seu pedido está em produção');
    await page.locator('.offline-bar').waitFor();
    t.regex(await page.locator('.offline-bar').innerText(), /Sem internet\. Atualizado (?:às|à) \d{1,2}:\d{2}/);
    await untilDrawn(page, 2);
    t.is(await page.getByRole('button', { name: 'Ver valores' }).getAttribute('aria-disabled'), 'true');

    await page.goto(new URL(`/p/${other.token}`, order.url).href);
    await page.getByText('Não deu para abrir agora').waitFor();
    t.false((await page.locator('body').innerText()).includes('Marina'), 'nothing of the other order');

    await page.goto(new URL('/', order.url).href);
    await page.locator('.choice').click();
    await waitForHeadline(page, 'Seu pedido está em produção');
    await context.setOffline(false);
    await page.locator('.offline-bar').waitFor({ state: 'detached' });
    t.pass();
  },
);

test.serial('forgetting removes the orders and their photos from the device', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder({ photos: ['caixa'] });
  await page.goto(order.url);
  await page.locator(stripPhotos).waitFor();
  await untilControlled(page);
  await untilKeptPhotos(page, 1);
  await page.goto(new URL('/', order.url).href);
  await page.getByRole('button', { name: 'Esquecer neste aparelho' }).click();
  await page.getByText('Nenhum pedido fica guardado').waitFor();
  await untilKeptPhotos(page, 0);
  t.is(await storedText(page), '{}');
});

test.serial(
  'the page is installable: a whole manifest, icons of the size they claim, a service worker in control',
  async (t) => {
    const { page, context } = await bench.visit(t);
    const order = await bench.newOrder();
    await page.goto(order.url);
    await untilControlled(page);
    const session = await context.newCDPSession(page);
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    // A private window is what a test's context is.
    t.deepEqual(
      installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'),
      [],
    );
    const { url, errors } = await session.send('Page.getAppManifest');
    t.deepEqual(errors, []);
    const manifest = (await (await fetch(url)).json()) as Record<string, unknown>;
    t.like(manifest, { id: '/', start_url: '/?app', scope: '/', display: 'standalone', lang: 'pt-BR' });
    for (const member of ['name', 'short_name', 'theme_color', 'background_color', 'description'])
      t.truthy(manifest[member]);
    const pictures = [
      ...(manifest['icons'] as { src: string; sizes: string; purpose: string }[]),
      ...(manifest['screenshots'] as { src: string; sizes: string }[]),
      { src: (await page.locator('link[rel="apple-touch-icon"]').getAttribute('href')) ?? '', sizes: '180x180' },
    ];
    t.true(pictures.some((each) => 'purpose' in each && each.purpose === 'maskable'));
    for (const { src, sizes } of pictures) {
      const response = await fetch(new URL(src, url));
      const { width, height, format } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
      t.is(`${width}x${height} ${format}`, `${sizes} png`, src);
    }
  },
);

test.serial('opened from the home screen, the app goes straight to the order that was last looked at', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder();
  await page.goto(order.url);
  await waitForHeadline(page, 'Seu pedido está em produção');
  const { start_url: start } = (await (await fetch(new URL('/manifest.webmanifest', order.url))).json()) as {
    start_url: string;
  };
  await page.goto(new URL(start, order.url).href);
  await waitForHeadline(page, 'Seu pedido está em produção');
  t.is(page.url(), order.url);
  await page.getByRole('link', { name: 'Abrir outro pedido' }).click();
  await page.getByRole('heading', { name: 'Acompanhe seu pedido' }).waitFor();
});

test.serial('prices open with the last four digits, follow a payment, and are gone with the page', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder();
  await page.goto(order.url);
  const ask = page.getByRole('button', { name: 'Ver valores' });
  await ask.first().click();
  const field = page.getByLabel('4 últimos números do seu telefone');
  await field.fill('0000');
  await field.press('Enter');
  await page.getByText('Os números não conferem').waitFor();
  t.is(await field.getAttribute('aria-invalid'), 'true');
  t.deepEqual(await axeProblems(page), []);
  await field.fill(phoneLast4);
  await field.press('Enter');
  const prices = page.locator('.prices');
  await prices.waitFor();
  const plain = async () => (await prices.innerText()).replaceAll('\u00a0', ' ');
  t.true((await plain()).includes('R$ 5.501,00'));
  t.true((await plain()).includes('R$ 5.401,00'), 'what is left to pay');
  const { version } = await bench.all.shop.order(order.orderId);
  await fetch(`${bench.all.urls.intranet}/api/orders/${order.orderId}`, {
    method: 'PATCH',
    headers: { cookie: bench.all.shop.cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ expectedVersion: version, paidCents: 5_501_00 }),
  });
  await page.getByText('Tudo pago').waitFor();
  t.false((await storedText(page)).includes('totalCents'));
  await page.reload();
  await ask.waitFor();
});

test.serial('too many wrong digits are told with the time to wait', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder();
  await page.goto(order.url);
  await page.getByRole('button', { name: 'Ver valores' }).click();
  const field = page.getByLabel('4 últimos números do seu telefone');
  for (let attempt = 0; attempt < 6; attempt += 1) {
    await field.fill(`000${attempt}`);
    const answered = page.waitForResponse((response) => response.url().endsWith('/unlock'));
    await field.press('Enter');
    await answered;
  }
  await page.getByText(/Muitas tentativas\. Espere \d+ minutos/).waitFor();
  t.pass();
});

test.serial(
  'a link that opens nothing shows the neutral page; one that dies while open takes its copy along',
  async (t) => {
    const { page } = await bench.visit(t);
    const { shop, urls } = bench.all;
    const unknown = await page.goto(`${urls.mirror}/p/${'A'.repeat(22)}`);
    t.is(unknown?.status(), 404);
    await page.getByRole('heading', { name: 'Este link não abre mais' }).waitFor();
    t.is(await page.getByRole('link', { name: /WhatsApp/ }).count(), 0, 'nothing tells whose link it could be');

    const order = await bench.newOrder();
    await page.goto(order.url);
    await waitForHeadline(page, 'Seu pedido está em produção');
    await fetch(`${urls.intranet}/api/orders/${order.orderId}/link`, {
      method: 'DELETE',
      headers: { cookie: shop.cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ expectedVersion: (await shop.order(order.orderId)).version }),
    });
    await page.getByRole('heading', { name: 'Este link não abre mais' }).waitFor();
    await page.getByRole('link', { name: 'Pedir novo link no WhatsApp' }).waitFor();
    t.false((await storedText(page)).includes('Marina'));
    t.deepEqual(await axeProblems(page), []);
  },
);

test.serial('without JavaScript the status, the dates and the items are readable', async (t) => {
  const { page } = await bench.visit(t, { javaScriptEnabled: false });
  const order = await bench.newOrder();
  await page.goto(order.url);
  const text = await page.locator('body').innerText();
  for (const part of ['Em produção', 'Marina', 'Polo piquê azul-marinho', 'Previsto para', 'Andamento'])
    t.true(text.includes(part), part);
  t.is(await overflowPx(page), 0);
});

test.serial('photos open large, walk by keyboard, and give the focus back', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder({ photos: ['prova', 'polos', 'linhas'] });
  await page.goto(order.url);
  const second = page.locator('.strip .photo').nth(1);
  await second.focus();
  await page.keyboard.press('Enter');
  const position = page.locator('.viewer header b');
  await position.getByText('2 de 3').waitFor();
  await page.keyboard.press('ArrowRight');
  await position.getByText('3 de 3').waitFor();
  await page.keyboard.press('Home');
  await position.getByText('1 de 3').waitFor();
  t.deepEqual(await axeProblems(page), []);
  await page.keyboard.press('Escape');
  await page.locator('.viewer').waitFor({ state: 'detached' });
  await page.locator('.strip .photo:nth-child(2):focus').waitFor();
  t.pass();
});

test.serial('a photo whose address has ended asks for a new one and shows', async (t) => {
  const { page } = await bench.visit(t, { serviceWorkers: 'block' });
  const order = await bench.newOrder({ photos: ['peito'] });
  await page.goto(order.url);
  const photo = page.locator(stripPhotos);
  await photo.waitFor();
  const asked = page.waitForResponse((response) => /\/api\/tracking\/[^/]+$/.test(response.url()));
  const ended = new URL((await photo.getAttribute('src')) ?? '', order.url);
  ended.searchParams.set('exp', '1');
  await page.evaluate(`void (document.querySelector('${stripPhotos}').src = ${JSON.stringify(ended.href)})`);
  await asked;
  await untilDrawn(page, 1);
  t.false(((await photo.getAttribute('src')) ?? '').includes('exp=1&'));
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.serial(`axe finds nothing serious on any page (${colorScheme})`, async (t) => {
    const { page } = await bench.visit(t, { colorScheme });
    const order = await bench.newOrder({ photos: ['caixa'] });
    const { origin } = new URL(order.url);
    await page.goto(order.url);
    await page.locator(stripPhotos).waitFor();
    t.deepEqual(await axeProblems(page), [], 'order');
    await page.setViewportSize({ width: 1366, height: 768 });
    t.deepEqual(await axeProblems(page), [], 'order, wide');
    await page.goto(origin);
    await page.locator('.choice').waitFor();
    t.deepEqual(await axeProblems(page), [], 'start');
    await page.goto(`${origin}/p/${'A'.repeat(22)}`);
    await page.locator('.empty').waitFor();
    t.deepEqual(await axeProblems(page), [], 'dead link');
  });
}

test.serial('a new version is offered and comes only when the person asks for it', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder();
  const { release, url } = await startReleases(t, bench.all.urls.mirror);
  await page.goto(`${url}/p/${order.token}`);
  await untilControlled(page);
  await markDocument(page);
  release.number = 2;
  await page.evaluate('navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => {})');
  const toast = page.locator('.toast');
  await toast.getByText('Nova versão disponível').waitFor();
  t.true(await isMarked(page), 'nothing reloads by itself');
  t.deepEqual(await axeProblems(page), []);
  await Promise.all([page.waitForEvent('load'), toast.getByRole('button', { name: 'Atualizar' }).click()]);
  await waitForHeadline(page, 'Seu pedido está em produção');
  t.false(await isMarked(page));
  t.is(await toast.count(), 0);
});

test.serial('nothing jumps while the page comes up', async (t) => {
  const { page } = await bench.visit(t);
  const order = await bench.newOrder({ photos: ['peito', 'bastidor'] });
  await watchLayoutShift(page);
  for (const visit of ['first', 'second']) {
    await page.goto(order.url);
    await page.locator(stripPhotos).nth(1).waitFor();
    await untilDrawn(page, 2);
    const total = await layoutShift(page);
    t.log(`${visit} visit: layout shift ${total.toFixed(4)}`);
    t.true(total <= 0.05, `${visit} visit: ${total}`);
  }
});

test.serial(
  'all scripts of the page together stay within 60 KB gzip, and its page holds no inline script or style',
  (t) => {
    const scripts = readdirSync(join(dist, 'assets')).filter((name) => name.endsWith('.js'));
    const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, 'assets', name))).length, 0);
    t.log(`${(bytes / 1024).toFixed(1)} KB gzip in ${scripts.length} files`);
    t.true(bytes <= 60 * 1024);
    const html = readFileSync(join(dist, 'index.html'), 'utf8');
    t.notRegex(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=/);
  },
);
