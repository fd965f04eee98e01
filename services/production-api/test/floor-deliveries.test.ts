import { limits } from '@sgp/shared/limits';
import test, { type ExecutionContext } from 'ava';
import { openTelemetryDb } from '../src/db.ts';
import { createDeliveries } from '../src/floor/deliveries.ts';
import type { OrderPort } from '../src/orders/order-port.ts';

const silent = { warn() {} };

async function openWaiting(t: ExecutionContext, orderIds: readonly string[]) {
  const db = await openTelemetryDb('sqlite::memory:');
  t.teardown(() => db.destroy());
  const row = { machine_id: 'm1', good: 2, scrap: 1, at: 5, attempts: 0, next_at: 0 };
  await db('count_deliveries').insert(
    orderIds.map((order_id, index) => ({ ...row, line_id: index + 1, message_id: `c${index}`, order_id })),
  );
  return db;
}

/** Orders that take each count once; those that are closed refuse. */
function createOrders(closed: Set<string>) {
  const taken: Parameters<OrderPort['recordProduction']>[0][] = [];
  const news = new EventTarget();
  return {
    taken,
    async recordProduction(count: (typeof taken)[number]) {
      if (closed.has(count.orderId)) throw new Error('closed');
      if (!taken.some(({ messageId }) => messageId === count.messageId)) taken.push(count);
      news.dispatchEvent(new Event('taken'));
    },
    async until(count: number): Promise<void> {
      while (taken.length < count)
        await new Promise((resolve) => news.addEventListener('taken', resolve, { once: true }));
    },
  };
}

test('a count that its order refuses holds up no other and is brought again later', async (t) => {
  const db = await openWaiting(t, ['a', 'b', 'a']);
  const closed = new Set(['a']);
  const orders = createOrders(closed);
  const deliveries = createDeliveries({ db, orders, machineName: () => 'Bordadeira 2', log: silent });
  t.teardown(() => deliveries[Symbol.asyncDispose]());
  const begun = Date.now();
  deliveries.ring();
  await orders.until(1);
  t.deepEqual(orders.taken, [
    { machineId: 'm1', messageId: 'c1', orderId: 'b', good: 2, scrap: 1, at: 5, machineName: 'Bordadeira 2' },
  ]);
  closed.clear();
  await orders.until(3);
  t.true(Date.now() - begun >= limits.countDeliveryRetryMinMs);
  t.deepEqual(orders.taken.map(({ messageId }) => messageId).toSorted(), ['c0', 'c1', 'c2']);
});

test('what a dead process left is brought by the next one, and a repeat is taken once', async (t) => {
  const db = await openWaiting(t, ['a', 'a']);
  const orders = createOrders(new Set());
  // The order has the first one already: the process died before it could note that.
  await orders.recordProduction({
    machineId: 'm1',
    messageId: 'c0',
    orderId: 'a',
    good: 2,
    scrap: 1,
    at: 5,
    machineName: '',
  });
  const deliveries = createDeliveries({ db, orders, machineName: () => '', log: silent });
  deliveries.ring();
  await orders.until(2);
  await deliveries[Symbol.asyncDispose]();
  t.is(orders.taken.length, 2);
  t.is((await db('count_deliveries').select()).length, 0);
});
