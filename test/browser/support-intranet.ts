import { readFileSync } from 'node:fs';
import type { Order } from '@sgp/shared/api/orders';
import type { ExecutionContext } from 'ava';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { findBrowser } from '../../infra/test/browser.ts';
import { owner, startShop, type TestShop } from '../support/shop.ts';

/** A whole shop at its first run and one browser, shared by the tests of a file. */
export type IntranetBench = AsyncDisposable & {
  readonly all: TestShop;
  /** Someone at a computer of the shop (1366 × 768); closed with the test. */
  visit(t: ExecutionContext, options?: BrowserContextOptions): Promise<{ context: BrowserContext; page: Page }>;
  /** The same with the owner's session, at an address of the intranet. */
  enter(
    t: ExecutionContext,
    path: string,
    options?: BrowserContextOptions,
  ): Promise<{ context: BrowserContext; page: Page }>;
};

const hourMs = 3_600_000;
export const photoFile = (name: string) => ({
  name: `${name}.webp`,
  mimeType: 'image/webp',
  buffer: readFileSync(new URL(`../../infra/start/demo/photos/${name}.webp`, import.meta.url)),
});

/** Starts what every test of the file shares. Disposing stops it. */
export async function startIntranetBench(log: (text: string) => void): Promise<IntranetBench> {
  await using stack = new AsyncDisposableStack();
  const all = await startShop({ log, teardown: (act) => stack.defer(async () => act()) }, { hasOwner: false });
  const browser: Browser = await chromium.launch({ executablePath: await findBrowser(), args: ['--no-sandbox'] });
  stack.defer(() => browser.close());
  const resources = stack.move();
  const { intranet } = all.urls;
  const visit: IntranetBench['visit'] = async (t, options = {}) => {
    const context = await browser.newContext({
      viewport: { width: 1366, height: 768 },
      locale: 'pt-BR',
      timezoneId: 'America/Sao_Paulo',
      baseURL: intranet,
      ...options,
    });
    const page = await context.newPage();
    t.teardown(async () => {
      // What a person would have seen: without it a failure on another machine says nothing.
      if (!t.passed) t.log(`${page.url()} showed: ${(await page.locator('body').innerText()).replaceAll('\n', ' | ')}`);
      await context.close();
    });
    page.on('pageerror', (error) => t.fail(`the page threw: ${error.stack}`));
    page.setDefaultTimeout(15_000);
    return { context, page };
  };
  return {
    all,
    visit,
    async enter(t, path, options) {
      const visitor = await visit(t, options);
      const [name, value] = all.shop.cookie.split('=') as [string, string];
      await visitor.context.addCookies([{ name, value, url: intranet }]);
      await visitor.page.goto(path);
      return visitor;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Fills the first screen as a person would, the wrong way first. */
export async function createOwnerOnScreen(page: Page): Promise<void> {
  await page.getByLabel('Nome da loja').fill(owner.shopName);
  await page.getByLabel('Seu nome').fill(owner.name);
  await page.getByLabel('Senha', { exact: true }).fill('curta');
  await page.getByRole('button', { name: 'Criar minha conta e entrar' }).click();
  await page.getByText('Faltam 7 caracteres.').waitFor();
  await page.getByLabel('Senha', { exact: true }).fill(owner.password);
  await page.getByRole('button', { name: 'Criar minha conta e entrar' }).click();
}

/** An order made through the API: what a test needs and is not about. */
export async function orderOf({ shop }: TestShop, customer: string, inHours = 72): Promise<Order> {
  const { customerId } = await shop.createCustomer({ name: customer, phone: '(47) 99133-2078' });
  return shop.createOrder({
    customerId,
    promisedAt: Date.now() + inHours * hourMs,
    paidCents: 10_00,
    items: [{ description: 'Avental com bolso', quantity: 24, unit: 'un', unitPriceCents: 52_00, spec: [] }],
  });
}

/** Sixty open orders of customers with long names, in every stage, some late; one with a photo, and a machine. */
export async function fillShop(all: TestShop): Promise<{ readonly orderId: string; readonly machineId: string }> {
  const { shop } = all;
  const stages = ['recebido', 'aprovado', 'producao', 'acabamento', 'pronto'];
  for (let turn = 0; turn < 60; turn += 1) {
    const name = `Cooperativa Agroindustrial dos Produtores do Alto Vale do Itajaí ${turn}`;
    const order = await orderOf(all, name, (turn % 12) * 24 - 72);
    const stage = stages[turn % stages.length] as string;
    if (stage !== order.stage.key) await shop.move(order, stage);
  }
  const [order] = await shop.openOrders();
  const { orderId } = order as { orderId: string };
  await shop.addPhoto(orderId, 'bastidor.webp', photoFile('bastidor').buffer);
  const { machine } = await shop.registerMachine({
    name: 'Bordadeira Barudan de doze cabeças do fundo',
    slug: 'barudan12cabecasdofundo',
    kind: 'Bordadeira industrial computadorizada',
    sector: 'Setor de acabamento e expedição',
  });
  return { orderId, machineId: machine.machineId };
}

/** Every screen by its address, with a sign that it has its data. */
export const screensOf = ({ orderId, machineId }: { readonly orderId: string; readonly machineId: string }) => ({
  '/': '.worklist',
  '/pedidos': '.orders-table tbody tr',
  '/quadro': '.job',
  '/clientes': 'tbody tr',
  '/maquinas': '.machine-card',
  [`/maquinas/${machineId}`]: '.band',
  '/sincronizacao': '.hero',
  '/ajustes': '#licenca',
  '/pedidos/novo': '.order-form',
  [`/pedidos/${orderId}/editar`]: '.order-form',
  [`/pedidos/${orderId}`]: '.timeline',
  [`/pedidos/${orderId}?parte=fotos`]: '.photos',
  [`/pedidos/${orderId}?parte=historico`]: '.timeline',
  '/nada': 'h1',
});

/** The card of an order in a column of the board. */
export const cardIn = (page: Page, stage: string, number: string): Locator =>
  page.locator(`[data-stage="${stage}"] [data-order="${number}"]`);

/** Opens "Mover para…" of a card and chooses; the caller presses the last button. */
export async function chooseMove(page: Page, number: string, stage: string): Promise<Locator> {
  await page.getByRole('button', { name: `Mover ${number} para…` }).click();
  await page
    .getByRole('dialog')
    .getByRole('radio', { name: new RegExp(`^${stage}`) })
    .check();
  return page.getByRole('dialog').getByRole('button', { name: 'Mover', exact: true });
}

/** Writes a new order up to the last button: a customer who is new, two items, a date and a deposit. */
export async function typeOrder(page: Page, customer: string, day: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Cliente' }).fill(customer);
  await page.getByRole('option', { name: `Novo cliente “${customer}”` }).click();
  await page.getByLabel('Telefone ou WhatsApp').fill('(47) 99812-4470');
  await page.getByRole('button', { name: 'Criar cliente' }).click();
  await page.getByRole('button', { name: 'Trocar' }).waitFor();
  await page.getByLabel('Descrição').fill('Polo piquê azul-marinho');
  await page.getByLabel('Quantidade').fill('120');
  await page.getByLabel('Preço de cada').fill('44,80');
  await page.getByRole('button', { name: 'Posição' }).click();
  await page.getByRole('textbox', { name: 'Posição', exact: true }).fill('Peito esquerdo, 90 × 78 mm');
  await page.getByRole('button', { name: 'Adicionar item' }).click();
  await page.getByLabel('Descrição').nth(1).fill('Boné');
  await page.getByLabel('Quantidade').nth(1).fill('20');
  await page.getByLabel('Preço de cada').nth(1).fill('12');
  await page.getByLabel('Dia').fill(day);
  await page.getByLabel('Sinal recebido').fill('1.000,00');
}

/** `YYYY-MM-DD` so many days from now, as the shop's wall shows it. */
export const dayFromNow = (days: number): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' }).format(Date.now() + days * 24 * hourMs);

/** The credential as the screen shows it, in its order. */
export async function shownCredential(page: Page) {
  const texts = await page.getByRole('dialog').locator('dl code').allInnerTexts();
  const [host, port, username, clientId, password, topicPrefix] = texts as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return { host, port: Number(port), username, clientId, password, topicPrefix };
}

/** Kills a service again and again until released: the launcher starts it anew each time. Resolves when it is killed first. */
export function keepDown(all: TestShop, name: 'production-api'): Disposable {
  const kill = (): void => {
    const pid = all.running.processes.get(name)?.pid;
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch (error) {
      // Between two lives there is nothing to kill.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  kill();
  const timer = setInterval(kill, 100);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
