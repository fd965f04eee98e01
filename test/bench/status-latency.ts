import { until } from '../support/shop.ts';
import { listenEvents } from '../support/sse.ts';
import { quantile, spread } from './figures.ts';
import { startBenchShop } from './shop.ts';

const changeEveryMs = 120;

/**
 * From the API's answer to a status change (committed) to the event on a customer's open page, over broker, bridge, signed
 * push and mirror: `node test/bench/status-latency.ts [changes=100] [rounds=3]`. The event may even come first: the bridge
 * does not wait for the API's answer to reach the desk; such a change counts as 0 ms. Changes come at about eight a second,
 * which is more than a shop makes and less than the ten at which the Core begins to gather a node's pushes.
 */
export async function measureStatusLatency(
  changes: number,
  rounds: number,
): Promise<{ readonly p50: readonly number[]; readonly p99: readonly number[] }> {
  await using bench = await startBenchShop();
  const { shop, running } = bench;
  const { customerId } = await shop.createCustomer({ name: 'Marina Albuquerque' });
  let order = await shop.createOrder({
    customerId,
    promisedAt: Date.now() + 86_400_000,
    items: [{ description: 'Toalha', quantity: 6, unit: 'un', unitPriceCents: 7600, spec: [] }],
  });
  const token = new URL(order.link?.url as string).pathname.split('/').at(-1);
  const api = `http://127.0.0.1:${running.ports.mirror}/api/tracking/${token}`;
  await until(
    'the order is there',
    async () => (await fetch(api)).status,
    (status) => status === 200,
  );
  using events = await listenEvents(`${api}/events`);
  const p50: number[] = [];
  const p99: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const times: number[] = [];
    for (let change = 0; change < changes; change += 1) {
      const wanted = order.version + 1;
      const heard = events.next('order', (data: { version: number }) => data.version === wanted);
      order = await shop.move(order, order.stage.key === 'recebido' ? 'aprovado' : 'recebido');
      const committedAt = performance.now();
      times.push(Math.max(0, (await heard).at - committedAt));
      await new Promise((resolve) => setTimeout(resolve, changeEveryMs));
    }
    p50.push(quantile(times, 0.5));
    p99.push(quantile(times, 0.99));
  }
  return { p50, p99 };
}

if (import.meta.main) {
  const [changes = 100, rounds = 3] = process.argv.slice(2).map(Number);
  const { p50, p99 } = await measureStatusLatency(changes, rounds);
  console.log(`status change committed → event on the open page: p50 ${spread(p50, 'ms')}, p99 ${spread(p99, 'ms')}`);
}
