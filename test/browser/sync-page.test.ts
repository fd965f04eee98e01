import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '@sgp/service-kit/database';
import type { SyncPage } from '@sgp/shared/api/shop';
import type { Trail } from '@sgp/shared/api/sync';
import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { owner, until } from '../support/shop.ts';
import { type IntranetBench, orderOf, photoFile, startIntranetBench } from './support-intranet.ts';
import { axeProblems, overflowPx } from './support-page.ts';

let bench: IntranetBench;
test.before(async (t) => {
  bench = await startIntranetBench((text) => t.log(text));
  await bench.all.shop.createOwner(owner);
});
test.after.always(() => bench?.[Symbol.asyncDispose]());

const phoneDark = { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true } as const;
const sync = () => bench.all.shop.get<SyncPage>('/api/sync');

async function json(url: string, method: string, headers: Readonly<Record<string, string>>, body?: object) {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any answer
  return (await response.json()) as any;
}

/** The company's office at the Core. */
async function openOffice() {
  const { dataDir, urls } = bench.all;
  const { companyId } = JSON.parse(readFileSync(join(dataDir, 'edge/node/identity.json'), 'utf8'));
  const operator = readFileSync(join(dataDir, 'secrets/core-operator'), 'utf8').trim();
  const { token } = await json(
    `${urls.mirror}/api/core/companies/${companyId}/tokens`,
    'POST',
    { authorization: `Bearer ${operator}` },
    { name: 'Escritório', scope: 'write' },
  );
  return (method: string, path: string, body?: object) =>
    json(`${urls.mirror}/api/company/${path}`, method, { authorization: `Bearer ${token}` }, body);
}

/** The shop's own API with the owner's session, as the intranet calls it. */
const inShop = (method: string, path: string, body: object) =>
  json(
    `${bench.all.urls.intranet}/api/${path}`,
    method,
    { cookie: bench.all.shop.cookie, origin: bench.all.urls.intranet },
    body,
  );

/** Changes the text of what waits, as a fault of the disk or of a former version would; returns the way back. */
async function spoilWaitingCustomer() {
  await using db = await openProduction();
  const row = await db
    .connection('outbox')
    .where({ stream: 'customers' })
    .orderBy('seq', 'desc')
    .first('seq', 'payload');
  const write = (payload: string) => ({ seq: row.seq, payload });
  await db
    .connection('outbox')
    .where({ seq: row.seq })
    .update(write(row.payload.replace('{', '{"bogus":1,')));
  return async () => {
    await using again = await openProduction();
    await again.connection('outbox').where({ seq: row.seq }).update(write(row.payload));
  };
}
/** The login that the office gave away is nobody's in the shop any more. */
async function freeLogin() {
  await using db = await openProduction();
  await db.connection('users').where({ login: owner.login }).update({ login: 'rosana.da.loja' });
}
async function openProduction() {
  const connection = openDatabase(`sqlite:${join(bench.all.dataDir, 'edge/production.db')}`, { durability: 'full' });
  return { connection, [Symbol.asyncDispose]: () => connection.destroy() };
}

/** An outage in which both sides wrote the same field, and each wrote something that the other cannot take. */
async function openTrouble(t: ExecutionContext) {
  const office = await openOffice();
  const { item } = await office('POST', 'catalogue', { name: 'Linha 40 branca', leadDays: 3 });
  const { running, shop } = bench.all;
  await until(
    'the item is in the shop',
    () => shop.get<{ items: readonly object[] }>('/api/catalogue'),
    ({ items }) => items.length === 1,
  );
  await until('all is sent', sync, ({ status }) => status.pendingChanges === 0 && status.state === 'ok', 30_000);
  running.wire?.cut();
  t.teardown(() => running.wire?.heal());
  await inShop('PATCH', `catalogue/${item.entityId}`, { leadDays: 9 });
  await office('PATCH', `catalogue/${item.entityId}`, {
    fields: { leadDays: { value: 5, saw: item.fields.leadDays.at } },
  });
  await office('POST', 'users', { login: owner.login, name: 'Rosana do escritório', role: 'desk' });
  await shop.createCustomer({ name: 'Padaria Trigo Bom', phone: '(47) 99133-2078' });
  return { office, mend: await spoilWaitingCustomer() };
}

const look = async (t: ExecutionContext, page: Page, what: string) => {
  t.deepEqual(await axeProblems(page), [], what);
  t.is(await overflowPx(page), 0, what);
};
const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true });

test.serial('after an outage the manager sees by herself what needs her, and settles it', async (t) => {
  const { office, mend } = await openTrouble(t);
  const { page } = await bench.enter(t, '/sincronizacao');
  await page.locator('.hero[data-state="offline"]').waitFor({ timeout: 60_000 });
  await look(t, page, 'offline');
  bench.all.running.wire?.heal();

  // Nothing is reloaded: the page hears of it.
  await heading(page, '2 alterações separadas precisam de você').waitFor({ timeout: 60_000 });
  // The call that the Core held hung in the cut wire, and is not waited for.
  await heading(page, '1 alteração da nuvem que não coube aqui').waitFor({ timeout: 10_000 });
  await heading(page, '1 conflito para decidir').waitFor();
  await page.getByText('prazo em dias, escrito duas vezes').waitFor();
  await page.locator('.way').getByText('0 a receber').waitFor();
  await look(t, page, 'with things to settle');
  const { page: phone } = await bench.enter(t, '/sincronizacao', phoneDark);
  await heading(phone, '1 conflito para decidir').waitFor();
  await look(t, phone, 'with things to settle, by night on a phone');

  const outage = page.locator('.incidents tbody tr').first();
  await outage.getByText('sem internet ou nuvem fora').waitFor();
  await outage.getByText(/^conferido hoje/).waitFor();
  const [, , , , , conflicts, lost] = await outage.locator('td').allInnerTexts();
  t.is(conflicts, '1');
  t.regex(lost ?? '', /^0 /);

  // By keyboard: the decision, and what does not fit tells why.
  await page.getByRole('button', { name: 'Manter a que vale' }).focus();
  await page.keyboard.press('Enter');
  await heading(page, '1 conflito para decidir').waitFor({ state: 'detached' });
  const decided = page.locator('.decided tbody tr').first();
  await decided.getByText('mantido').waitFor();
  t.deepEqual((await decided.locator('td').allInnerTexts()).slice(1, 5), ['5', '9', 'mantido', owner.name]);
  await heading(phone, '1 conflito para decidir').waitFor({ state: 'detached' });
  await until(
    'the office knows',
    () => office('GET', 'conflicts?state=resolved'),
    (page) => page.conflicts[0]?.resolvedBy === owner.name && page.conflicts[0]?.resolution === 'kept',
  );

  const notFitting = page.getByRole('region', { name: '1 alteração da nuvem que não coube aqui' });
  await notFitting.getByRole('button', { name: 'Tentar de novo' }).click();
  await notFitting.getByRole('alert').getByText('Ainda não cabe').waitFor();
  await look(t, page, 'refused again');

  await mend();
  const setAside = page.getByRole('region', { name: '1 alteração separada', exact: true });
  await setAside.getByText('Padaria Trigo Bom').waitFor();
  await setAside.getByRole('button', { name: 'Tentar de novo' }).click();
  await heading(page, '1 alteração separada precisa de você').waitFor({ timeout: 30_000 });
  await setAside.waitFor({ state: 'detached' });
  await freeLogin();
  await notFitting.getByRole('button', { name: 'Tentar de novo' }).click();
  await heading(page, 'Tudo o que a loja fez está confirmado na nuvem').waitFor({ timeout: 30_000 });
  await look(t, page, 'settled');
});

test.serial(
  '500 changes and 40 photos of an outage: the sentence counts them, and in the end nothing is lost',
  async (t) => {
    const { running, shop } = bench.all;
    await until('all is sent', sync, ({ status }) => status.state === 'ok' && status.pendingChanges === 0, 60_000);
    running.wire?.cut();
    t.teardown(() => running.wire?.heal());
    const photo = photoFile('linhas').buffer;
    for (let turn = 0; turn < 50; turn += 1) {
      let order = await orderOf(bench.all, `Cliente ${turn}`);
      for (const stage of ['aprovado', 'producao', 'acabamento']) order = await shop.move(order, stage);
      if (turn < 40) await shop.addPhoto(order.orderId, `foto-${turn}.webp`, photo);
    }
    const { page } = await bench.enter(t, '/sincronizacao');
    await page.locator('.hero[data-state="offline"]').waitFor({ timeout: 60_000 });
    const before = await sync();
    t.true(before.status.pendingChanges >= 500, `${before.status.pendingChanges} changes wait`);
    t.is(before.photos.total, 40);
    await page.getByText(`${before.status.pendingChanges} alterações guardadas`).first().waitFor();
    await page.evaluate(`
    globalThis.said = [];
    const sentence = document.querySelector('.say h2');
    const note = () => said.at(-1) === sentence.innerText || said.push(sentence.innerText);
    new MutationObserver(note).observe(sentence, { subtree: true, childList: true, characterData: true });
  `);
    running.wire?.heal();
    await heading(page, 'Tudo o que a loja fez está confirmado na nuvem').waitFor({ timeout: 120_000 });

    const said = await page.evaluate<readonly string[]>('said');
    const sending = said.filter((text) => text.startsWith('Enviando'));
    t.log(sending.filter((_, index) => index % Math.ceil(sending.length / 8) === 0).join(' | '));
    t.true(sending.length > 0);
    const photos = sending.flatMap((text) =>
      text
        .replace('Enviando ', '')
        .split(' · ')
        .flatMap((part) => {
          const found = /^(?:[\d.]+ alteraç(?:ão|ões)|fotos (\d+)\/(\d+)|[\d.]+ fotos?)$/.exec(part);
          t.truthy(found, text);
          return found?.[1] === undefined ? [] : [{ done: Number(found[1]), total: Number(found[2]) }];
        }),
    );
    t.true(photos.length > 0 && photos.every(({ total }) => total === 40), 'a share of the photos of the outage');
    t.deepEqual(
      photos.map(({ done }) => done),
      photos.map(({ done }) => done).toSorted((a, b) => a - b),
      'and it never runs back',
    );
    const after = await until('it is compared', sync, ({ incidents }) => incidents[0]?.lost === 0, 60_000);
    t.true((after.incidents[0]?.sent ?? 0) >= before.status.pendingChanges);
    t.true((after.incidents[0]?.peakPending ?? 0) >= 500);
    await page
      .locator('.incidents tbody tr')
      .first()
      .getByText(/^conferido/)
      .waitFor();
  },
);

test.serial('the view for a wall fits on the glass, and a phone is not offered it', async (t) => {
  const { page } = await bench.enter(t, '/sincronizacao');
  await page.getByRole('link', { name: 'Tela de TV' }).click();
  await page.locator('.incidents tbody tr').first().waitFor();
  await look(t, page, 'on a wall');
  t.is(await page.evaluate('document.documentElement.scrollHeight - innerHeight'), 0);
  t.false(await page.locator('.decided').isVisible());
  await page.getByRole('link', { name: 'Sair da tela de TV' }).click();
  await page.locator('.decided').waitFor();
  const { page: phone } = await bench.enter(t, '/sincronizacao', phoneDark);
  await phone.locator('.hero').waitFor();
  t.false(await phone.getByRole('link', { name: 'Tela de TV' }).isVisible());
});

test.serial(
  'a shop that stays without Internet carries what waits by a file, and its confirmation empties the queue',
  async (t) => {
    const { running, urls } = bench.all;
    await until('all is sent', sync, ({ status }) => status.state === 'ok' && status.pendingChanges === 0, 60_000);
    running.wire?.cut();
    t.teardown(() => running.wire?.heal());
    const order = await orderOf(bench.all, 'Escola do Interior');
    const { page } = await bench.enter(t, '/sincronizacao');
    await page.locator('.hero[data-state="offline"]').waitFor({ timeout: 60_000 });
    const byFile = page.getByRole('region', { name: 'Levar por arquivo' });
    await byFile.getByText(/\d+ alterações esperando/).waitFor();
    t.true(await byFile.locator('button', { hasText: 'Escolher a confirmação' }).isDisabled(), 'there is no file yet');

    const coming = page.waitForEvent('download');
    await byFile.getByRole('button', { name: 'Gerar arquivo' }).focus();
    await page.keyboard.press('Enter');
    const file = readFileSync(await (await coming).path());
    await byFile.getByText('falta a confirmação').waitFor();
    await look(t, page, 'with a file that is on its way');
    const { page: phone } = await bench.enter(t, '/sincronizacao', phoneDark);
    await phone.getByRole('link', { name: 'Baixar de novo' }).waitFor();
    await look(t, phone, 'with a file that is on its way, by night on a phone');
    const again = phone.waitForEvent('download');
    await phone.getByRole('link', { name: 'Baixar de novo' }).click();
    t.deepEqual(readFileSync(await (await again).path()), file);

    // Somebody brings it to the cloud from elsewhere: the shop's own line is still cut.
    const answer = await fetch(`${urls.mirror}/internal/sync/bundle`, { method: 'POST', body: new Uint8Array(file) });
    t.is(answer.status, 200);
    const ack = { name: 'sgp.ack.gz', mimeType: 'application/gzip', buffer: Buffer.from(await answer.arrayBuffer()) };
    const picker = byFile.locator('input[type=file]');
    await picker.setInputFiles({ ...ack, buffer: file });
    await byFile.getByRole('alert').getByText('BUNDLE_INVALID').waitFor();
    await picker.setInputFiles(ack);
    await byFile.getByText(/Confirmadas: \d+ · Separadas: 0 · Ainda na fila: 0/).waitFor();
    await byFile.getByText('nada esperando').waitFor();
    t.true(await byFile.getByRole('button', { name: 'Gerar arquivo' }).isDisabled());
    await look(t, page, 'confirmed');
    t.is((await sync()).status.state, 'offline');
    await until('the bridge knows it', sync, ({ status }) => status.pendingChanges === 0);

    running.wire?.heal();
    await heading(page, 'Tudo o que a loja fez está confirmado na nuvem').waitFor({ timeout: 60_000 });
    await until('it is compared, and nothing was lost', sync, ({ incidents }) => incidents[0]?.lost === 0, 60_000);
    await until(
      'the hop by the file is in the trail of the order',
      () => bench.all.shop.get<Trail>(`/api/orders/${order.orderId}/trail`),
      ({ versions }) => versions.every(({ ackedAt }) => ackedAt !== null),
    );
  },
);
