import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@sgp/service-kit/database';
import type { MachineCredential } from '@sgp/shared/api/machines';
import test from 'ava';
import type { MqttClient } from 'mqtt';
import { type FloorShop, startFloorShop } from '../../../test/support/floor-shop.ts';

/** What the broker acknowledged to one machine, by kind. */
type Said = {
  readonly slug: string;
  readonly sampleTimes: number[];
  readonly events: string[];
  readonly counts: string[];
};

const machinesCount = 4;
const kills = 3;
const betweenKillsMs = 1_200;

async function newOrder(shop: FloorShop): Promise<{ orderId: string; number: string }> {
  const customer = await shop.call<{ customerId: string }>('POST', '/api/customers', { name: 'Escola Vila' });
  const items = [{ description: 'Colete', quantity: 100_000, unitPriceCents: 100 }];
  const promisedAt = Date.now() + 86_400_000;
  return shop.call('POST', '/api/orders', { customerId: customer.customerId, items, promisedAt });
}

/** Speaks until told to stop; every message that is acknowledged is noted. */
async function speak(
  client: MqttClient,
  { credential }: MachineCredential,
  order: string,
  until: AbortSignal,
): Promise<Said> {
  const said: Said = { slug: credential.username, sampleTimes: [], events: [], counts: [] };
  const up = (kind: string, body: unknown) =>
    client.publishAsync(`${credential.topicPrefix}/${kind}`, JSON.stringify(body), { qos: 1 });
  let lastTs = 0;
  for (let n = 0; !until.aborted; n += 1) {
    lastTs = Math.max(Date.now(), lastTs + 1);
    const ts = lastTs;
    const id = `n${n}`;
    await Promise.all([
      up('telemetry', { ts, values: { speed: n } }).then(() => said.sampleTimes.push(ts)),
      n % 5 === 0 && up('event', { ts, id, level: 'info', code: 'n', text: '' }).then(() => said.events.push(id)),
      n % 5 === 1 && up('count', { ts, id, good: 1, scrap: 0, order }).then(() => said.counts.push(id)),
    ]);
    await sleep(20);
  }
  return said;
}

test('kill -9 of the production-api under load loses nothing acknowledged and doubles nothing', async (t) => {
  t.timeout(180_000);
  await using stack = new AsyncDisposableStack();
  const shop = await startFloorShop(stack);
  const { orderId, number } = await newOrder(shop);
  const stop = new AbortController();
  const registered: MachineCredential[] = [];
  for (let index = 0; index < machinesCount; index += 1) registered.push(await shop.register(`m${index}`));
  const clients = await Promise.all(registered.map(({ credential }) => shop.connect(credential)));
  stack.defer(() => stop.abort());
  const speaking = Promise.all(
    clients.map((client, index) => speak(client, registered[index] as MachineCredential, number, stop.signal)),
  );
  // A test that failed before has its own reason to tell.
  speaking.catch(() => {});
  for (let kill = 0; kill < kills; kill += 1) {
    // Not an even time, so that the deaths meet the commit at different places.
    await sleep(betweenKillsMs + Math.random() * 300);
    await shop.killProduction();
    await shop.startProduction();
  }
  await sleep(betweenKillsMs);
  stop.abort();
  const said = await speaking;
  t.true(said.every(({ sampleTimes, counts }) => sampleTimes.length > 50 && counts.length > 10));

  const telemetry = openDatabase(`sqlite:${shop.dir}/telemetry.db`, { durability: 'full' });
  const production = openDatabase(`sqlite:${shop.dir}/production.db`, { durability: 'full' });
  stack.defer(() => telemetry.destroy());
  stack.defer(() => production.destroy());
  const total = said.reduce((sum, { counts }) => sum + counts.length, 0);
  const deadline = Date.now() + 30_000;
  const delivered = async () =>
    Number(((await production('production_counts').sum({ good: 'good' }).first()) as { good: number }).good);
  // The last samples may come in a batch after that of the last count.
  const samples = said.reduce((sum, { sampleTimes }) => sum + sampleTimes.length, 0);
  const stored = async () => Number(((await telemetry('samples').count({ n: '*' }).first()) as { n: number }).n);
  while (((await delivered()) < total || (await stored()) < samples) && Date.now() < deadline) await sleep(50);

  for (const [index, { sampleTimes, events, counts }] of said.entries()) {
    const { machineId } = (registered[index] as MachineCredential).machine;
    const at: number[] = await telemetry('samples')
      .join('metrics', 'metrics.metric_id', 'samples.metric_id')
      .where({ machine_id: machineId })
      .orderBy('at')
      .pluck('at');
    t.deepEqual(
      at,
      sampleTimes.toSorted((a, b) => a - b),
      'each acknowledged sample once, under its own time',
    );
    const keys = async (kind: string): Promise<string[]> =>
      telemetry('machine_log').where({ machine_id: machineId, kind }).orderBy('line_id').pluck('message_key');
    t.deepEqual(await keys('event'), events);
    t.deepEqual(await keys('count'), counts);
    const recorded: string[] = await production('production_counts')
      .where({ machine_id: machineId })
      .pluck('message_id');
    t.deepEqual(recorded.toSorted(), counts.toSorted(), 'each count at the order once');
  }
  const day = await telemetry('machine_counts').sum({ good: 'good' }).first();
  t.is(Number((day as { good: number }).good), total);
  const item = await production('order_items').where({ order_id: orderId }).first('good');
  t.is(item.good, total);
  t.is((await telemetry('count_deliveries').select()).length, 0);
  t.is((await telemetry('machine_refusals').select()).length, 0, 'what waited for us is no wrong clock');
});
