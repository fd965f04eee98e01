import type { LogLine } from '@sgp/shared/api/machines';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { connectAsync } from 'mqtt';
import { processNames } from '../../infra/start/plan.ts';
import { readIdentity } from '../../infra/start/provision.ts';
import { mirroredOrders, shopOrders } from '../support/databases.ts';
import { startShop, until } from '../support/shop.ts';

/** Seeded, so that a failure can be run again: SEED=… npm test -- test/faults/kill-each-process.test.ts */
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
function random(): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

test('kill -9 of each process in turn, under load: nothing acknowledged is lost or doubled, and all comes back', async (t) => {
  t.timeout(180_000);
  t.log(`seed ${seed}`);
  const next = random();
  const { shop, running, restarts } = await startShop(t);
  const { customerId } = await shop.createCustomer({ name: 'Clínica Bem Viver' });
  const { machine, credential } = await shop.registerMachine({ name: 'Prensa', slug: 'prensa', kind: '', sector: '' });
  const { est } = readIdentity(running.at);

  const client = await connectAsync({
    host: credential.host,
    port: credential.port,
    protocol: 'mqtt',
    clientId: credential.clientId,
    username: credential.username,
    password: credential.password,
    reconnectPeriod: 200,
    clean: false,
  });
  t.teardown(() => client.endAsync(true));
  client.on('error', () => {});
  let working = true;
  const acknowledged: string[] = [];
  const publishing = (async () => {
    for (let number = 0; working; number += 1) {
      const id = `n${number}`;
      await client.publishAsync(
        topics.up(est, 'prensa', 'event'),
        JSON.stringify({ ts: Date.now(), id, level: 'info', code: 'carga', text: id }),
        { qos: 1 },
      );
      acknowledged.push(id);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const accepted = new Map<string, number>();
  const ordering = (async () => {
    while (working) {
      try {
        const order = await shop.createOrder({
          customerId,
          promisedAt: Date.now() + 86_400_000,
          items: [{ description: 'Jaleco', quantity: 1, unit: 'un', unitPriceCents: 100, spec: [] }],
        });
        accepted.set(order.orderId, order.version);
        accepted.set(order.orderId, (await shop.move(order, 'aprovado')).version);
      } catch {
        // Not accepted: the API was just killed, so nothing was promised.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  })();

  for (const name of processNames) {
    const events = acknowledged.length + 10 + Math.floor(next() * 30);
    const orders = accepted.size + 2;
    await until('load flows', () => acknowledged.length >= events && accepted.size >= orders, Boolean, 60_000);
    const before = running.processes.get(name)?.pid as number;
    process.kill(before, 'SIGKILL');
    await until(
      `${name} runs again`,
      () => running.processes.get(name)?.pid,
      (pid) => pid !== undefined && pid !== before,
    );
  }
  await until(
    'the launcher told of each',
    () => restarts.length,
    (count) => count >= processNames.length,
  );
  const last = acknowledged.length + 10;
  await until('load flows again', () => acknowledged.length >= last, Boolean, 60_000);
  working = false;
  await Promise.all([publishing, ordering]);

  const inShop = await until(
    'the orders',
    () => shopOrders(running.at),
    (orders) => orders.length >= accepted.size,
  );
  for (const [orderId, version] of accepted)
    t.true((inShop.find((order) => order.orderId === orderId)?.version ?? 0) >= version, orderId);
  await until(
    'the cloud is equal',
    async () => [
      inShop,
      (await mirroredOrders(running.at)).map(({ orderId, version, status }) => ({ orderId, version, status })),
    ],
    ([one, other]) => JSON.stringify(one) === JSON.stringify(other),
    60_000,
  );

  const stored = await until(
    'every acknowledged event',
    () => allEvents(shop, machine.machineId),
    (ids) => acknowledged.every((id) => ids.includes(id)),
    30_000,
  );
  t.is(new Set(stored).size, stored.length, 'no event is doubled');
  t.log(`${acknowledged.length} events and ${accepted.size} orders acknowledged, all there once`);
});

async function allEvents(shop: { get<Answer>(path: string): Promise<Answer> }, machineId: string): Promise<string[]> {
  const ids: string[] = [];
  let before: string | null = null;
  do {
    const page: { lines: LogLine[]; nextBefore: string | null } = await shop.get(
      `/api/machines/${machineId}/log?limit=500${before ? `&before=${encodeURIComponent(before)}` : ''}`,
    );
    ids.push(...page.lines.filter((line) => line.kind === 'event').map((line) => line.text));
    before = page.nextBefore;
  } while (before);
  return ids;
}
