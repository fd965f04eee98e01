import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Aedes } from 'aedes';
import test from 'ava';
import { connectAsync } from 'mqtt';
import { type BusMessage, createBusConsumer } from '../src/bus-consumer.ts';
import { createLog } from '../src/log.ts';

const log = createLog('test', 'silent');

/** A real aedes broker on a free port, and a publisher connected to it. */
async function startBroker() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle as unknown as () => void);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `mqtt://127.0.0.1:${port}`;
  const publisher = await connectAsync(url, { protocolVersion: 4, clientId: 'publisher' });
  return {
    broker,
    url,
    publisher,
    async [Symbol.asyncDispose]() {
      await publisher.endAsync(true);
      await new Promise<void>((resolve) => broker.close(resolve));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Commit = (batch: readonly BusMessage[]) => Promise<void>;
async function startConsumer(url: string, commit: Commit, filters: readonly string[] = ['t/#'], maxBatchMessages = 10) {
  const options = { username: '_c', clientId: '_c', password: 'secret', maxBatchMessages, maxDelayMs: 5, filters };
  const consumer = createBusConsumer({ ...options, url, commit, log });
  await new Promise<void>((resolve) => consumer.onConnect(resolve));
  return consumer;
}

/** Collects payloads and resolves when `count` of them were committed. */
function collector(count: number) {
  const texts: string[] = [];
  const full = Promise.withResolvers<string[]>();
  const take = (batch: readonly BusMessage[]): void => {
    texts.push(...batch.map(({ payload }) => payload.toString()));
    if (texts.length >= count) full.resolve(texts);
  };
  return { texts, take, full: full.promise };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

test('a batch is acknowledged only after its commit resolved', async (t) => {
  await using stand = await startBroker();
  let acknowledged = 0;
  stand.broker.on('ack', () => {
    acknowledged += 1;
  });
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await using _consumer = await startConsumer(stand.url, async () => {
    started.resolve();
    await release.promise;
  });
  await stand.publisher.publishAsync('t/a', 'x', { qos: 1 });
  await started.promise;
  await stand.publisher.publishAsync('elsewhere', 'a full round trip later', { qos: 1 });
  t.is(acknowledged, 0);
  release.resolve();
  await once(stand.broker, 'ack');
  t.is(acknowledged, 1);
});

test('batches hold the order, never exceed their limit and never overlap', async (t) => {
  await using stand = await startBroker();
  const all = collector(500);
  const sizes: number[] = [];
  let running = 0;
  await using _consumer = await startConsumer(stand.url, async (batch) => {
    running += 1;
    t.is(running, 1);
    sizes.push(batch.length);
    await new Promise(setImmediate);
    running -= 1;
    all.take(batch);
  });
  await Promise.all(numbers(500).map((text) => stand.publisher.publishAsync('t/a', text, { qos: 1 })));
  t.deepEqual(await all.full, numbers(500));
  t.true(Math.max(...sizes) <= 10);
  t.true(sizes.length < 500);
});

test('a rejected commit makes the broker send the batch again, in order', async (t) => {
  await using stand = await startBroker();
  const all = collector(30);
  let refusals = 2;
  await using _consumer = await startConsumer(stand.url, async (batch) => {
    if (refusals > 0) {
      refusals -= 1;
      throw new Error('the disk is full');
    }
    all.take(batch);
  });
  await Promise.all(numbers(30).map((text) => stand.publisher.publishAsync('t/a', text, { qos: 1 })));
  t.deepEqual(await all.full, numbers(30));
});

test.serial('a message does not wait longer because the wall clock is set back', async (t) => {
  await using stand = await startBroker();
  const all = collector(1);
  await using _consumer = await startConsumer(stand.url, async (batch) => all.take(batch));
  const { now } = Date;
  let setBackMs = 0;
  // Each reading is an hour before the one before.
  Date.now = () => {
    setBackMs += 3_600_000;
    return now() - setBackMs;
  };
  t.teardown(() => {
    Date.now = now;
  });
  await stand.publisher.publishAsync('t/a', 'x', { qos: 1 });
  const late = new AbortController();
  const outcome = await Promise.race([
    all.full,
    delay(3_000, ['late'], { signal: late.signal }).catch(() => ['aborted']),
  ]);
  late.abort();
  t.deepEqual(outcome, ['x']);
});

test('what was published while the consumer was away arrives when it is back', async (t) => {
  await using stand = await startBroker();
  const before = await startConsumer(stand.url, async () => undefined);
  await before[Symbol.asyncDispose]();
  await Promise.all(numbers(200).map((text) => stand.publisher.publishAsync('t/a', text, { qos: 1 })));
  const all = collector(200);
  await using _after = await startConsumer(stand.url, async (batch) => all.take(batch));
  t.deepEqual(await all.full, numbers(200));
});

test('a connection cut between commit and acknowledgement brings the batch again', async (t) => {
  await using stand = await startBroker();
  const all = collector(2);
  let cut = false;
  await using _consumer = await startConsumer(stand.url, async (batch) => {
    all.take(batch);
    if (cut) return;
    cut = true;
    const clients = (stand.broker as unknown as { clients: Record<string, { conn: { destroy(): void } }> }).clients;
    clients['_c']?.conn.destroy();
  });
  await stand.publisher.publishAsync('t/a', 'once', { qos: 1 });
  t.deepEqual(await all.full, ['once', 'once']);
});

test('QoS 0 and retained messages come through commit too', async (t) => {
  await using stand = await startBroker();
  await stand.publisher.publishAsync('t/state', 'kept', { qos: 1, retain: true });
  const seen: BusMessage[] = [];
  const both = Promise.withResolvers<void>();
  await using _consumer = await startConsumer(stand.url, async (batch) => {
    seen.push(...batch);
    if (seen.length === 1) await stand.publisher.publishAsync('t/telemetry', 'passing', { qos: 0 });
    else both.resolve();
  });
  await both.promise;
  t.deepEqual(
    seen.map(({ topic, retain, payload }) => [topic, retain, payload.toString()]),
    [
      ['t/state', true, 'kept'],
      ['t/telemetry', false, 'passing'],
    ],
  );
});

test('more than twice a batch in hand stops the reading, and the rest arrives afterwards', async (t) => {
  await using stand = await startBroker();
  const all = collector(300);
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await using consumer = await startConsumer(
    stand.url,
    async (batch) => {
      started.resolve();
      await release.promise;
      all.take(batch);
    },
    ['t/#'],
    2,
  );
  // 300 × 100 kB is far more than the sockets between the two hold.
  const big = (text: string): string => text.padEnd(100_000, '.');
  const clients = (stand.broker as unknown as { clients: Record<string, { conn: { writableNeedDrain: boolean } }> })
    .clients;
  for (const text of numbers(300)) await stand.publisher.publishAsync('t/a', big(text), { qos: 1 });
  await started.promise;
  t.true(clients['_c']?.conn.writableNeedDrain);
  t.true(consumer.connected);
  release.resolve();
  t.deepEqual(
    (await all.full).map((text) => text.replace(/\.+$/, '')),
    numbers(300),
  );
});
