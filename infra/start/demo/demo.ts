import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { MachineCredential } from '@sgp/shared/api/machines';
import type { OrderSummary } from '@sgp/shared/api/orders';
import { readIdentity } from '../provision.ts';
import type { Running } from '../run.ts';
import { startInternetSwitch } from './internet-switch.ts';
import { anotherOrder, loadSampleShop } from './sample-shop.ts';
import { createShopClient, type ShopClient } from './shop-client.ts';
import { programs, simulateMachine } from './simulated-machine.ts';

export type Demo = AsyncDisposable & { readonly login: string; readonly password: string; readonly switchUrl: string };

const login = 'rosana';
/** How often an order of the sample shop takes its next step. */
const flowIntervalMs = 20_000;
const nextStage: Readonly<Record<string, string>> = {
  recebido: 'aprovado',
  aprovado: 'producao',
  producao: 'acabamento',
  acabamento: 'pronto',
  pronto: 'delivered',
};

/** Fills the shop (once), then lets machines and orders live until it is disposed. */
export async function startDemo(running: Running): Promise<Demo> {
  if (!running.wire) throw new Error('the demonstration needs the wire that can be cut');
  await using stack = new AsyncDisposableStack();
  const shop = createShopClient(`http://127.0.0.1:${running.ports.production}`);
  const password = demoPassword(running);
  if (await shop.needsOwner())
    await shop.createOwner({ name: 'Rosana Klein', login, password, shopName: 'Fio & Ponto Bordados' });
  await shop.signIn(login, password);
  const orders = await shop.openOrders();
  if (orders.length === 0) await loadSampleShop(shop, Date.now());
  const inProduction = await startMachines(shop, running, stack);
  startFlow(shop, inProduction, stack);
  const internetSwitch = stack.use(await startInternetSwitch(running.wire, running.ports.demoSwitch));
  const owned = stack.move();
  return { login, password, switchUrl: internetSwitch.url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Random, made once, in a file that only this user reads. */
function demoPassword(running: Running): string {
  const file = running.at.secret('demo-password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(12).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

type InProduction = { orders: readonly OrderSummary[] };

async function startMachines(shop: ShopClient, running: Running, stack: AsyncDisposableStack): Promise<InProduction> {
  const file = running.at.secret('demo-machines.json');
  const credentials = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, MachineCredential['credential']>)
    : {};
  for (const { slug, name, kind, sector } of programs) {
    credentials[slug] ??= (await shop.registerMachine({ slug, name, kind, sector })).credential;
    writeFileSync(file, JSON.stringify(credentials), { mode: 0o600 });
  }
  const { est } = readIdentity(running.at);
  const inProduction: InProduction = { orders: await ordersInProduction(shop) };
  for (const [index, program] of programs.entries()) {
    const working = (): string | null => inProduction.orders[index]?.number ?? null;
    stack.use(simulateMachine(program, credentials[program.slug] as MachineCredential['credential'], est, working));
  }
  return inProduction;
}

/** What the machines work on, the most photographed order first. */
const ordersInProduction = async (shop: ShopClient): Promise<readonly OrderSummary[]> =>
  (await shop.openOrders())
    .filter((order) => order.status === 'in_production')
    .sort((a, b) => b.photoCount - a.photoCount);

/** Moves the oldest order one step at each turn, and takes in a new one when one was delivered. */
function startFlow(shop: ShopClient, inProduction: InProduction, stack: AsyncDisposableStack): void {
  let turn = 0;
  const step = async (): Promise<void> => {
    const open = await shop.openOrders();
    const order = open[turn++ % Math.max(open.length, 1)];
    const to = order && nextStage[order.stage.key];
    if (order && to) await shop.move(order, to);
    if (order && to === 'delivered') await shop.createOrder(anotherOrder(order.customer.customerId, turn, Date.now()));
    inProduction.orders = await ordersInProduction(shop);
  };
  // A step that fails (a service is just starting again, a person moved the same order) is made at the next turn.
  const timer = setInterval(() => void step().catch(() => {}), flowIntervalMs);
  stack.defer(() => clearInterval(timer));
}
