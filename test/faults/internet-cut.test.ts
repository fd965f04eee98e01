import type { SyncPage } from '@sgp/shared/api/shop';
import test from 'ava';
import { mirroredOrders, shopOrders } from '../support/databases.ts';
import { startShop, until } from '../support/shop.ts';

test('the Internet is cut: work goes on, the status tells the truth, and afterwards everything arrives once', async (t) => {
  const { shop, running } = await startShop(t);
  const { customerId } = await shop.createCustomer({ name: 'Padaria Trigo Bom', phone: '(47) 99133-2078' });
  const create = () =>
    shop.createOrder({
      customerId,
      promisedAt: Date.now() + 86_400_000,
      items: [{ description: 'Avental', quantity: 24, unit: 'un', unitPriceCents: 5200, spec: [] }],
    });
  const sync = () => shop.get<SyncPage>('/api/sync');
  const first = await create();
  await until('sync is OK', sync, ({ status }) => status.state === 'ok' && status.pendingChanges === 0);

  running.wire?.cut();
  const cutAt = Date.now();
  let changes = 0;
  const orders = [first];
  for (let turn = 0; turn < 10; turn += 1) {
    const order = await create();
    orders.push(await shop.move(await shop.move(order, 'aprovado'), 'producao'));
    // An order, and what the audit says of it.
    changes += 3 * 2;
  }
  const offline = await until(
    'the chip says so',
    sync,
    ({ status }) => status.state === 'offline' && status.pendingChanges === changes,
    60_000,
  );
  t.true((offline.status.offlineSince ?? 0) >= cutAt - 1_000 && (offline.status.offlineSince ?? 0) <= Date.now());
  t.true((offline.status.lastAckAt ?? 0) <= cutAt + 1_000, 'nothing is claimed that the cloud did not acknowledge');
  t.is((await mirroredOrders(running.at)).length, 1);

  running.wire?.heal();
  const healed = await until(
    'everything arrives',
    sync,
    ({ status }) => status.state === 'ok' && status.pendingChanges === 0,
    60_000,
  );
  t.is(healed.status.offlineSince, null);
  t.truthy(healed.incidents[0]?.endedAt, 'the outage is written down and closed');
  t.true((healed.incidents[0]?.peakPending ?? 0) >= changes);
  const there = await mirroredOrders(running.at);
  t.deepEqual(
    there.map(({ orderId, version, status }) => ({ orderId, version, status })),
    [...(await shopOrders(running.at))],
  );
  t.is(there.length, orders.length);
});
