import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Aedes } from 'aedes';
import test from 'ava';
import { connectAsync } from 'mqtt';
import { type BusConsumerOptions, createBusConsumer } from '../src/bus-consumer.ts';
import type { BusMessage } from '../src/bus-intake.ts';
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
async function startConsumer(
  url: string,
  commit: Commit,
  filters: readonly string[] = ['t/#'],
  maxBatchMessages = 10,
  more: Partial<BusConsumerOptions> = {},
) {
  const limit = { maxBatchMessages, maxDelayMs: 5, maxHeldMessages: 1_000, maxHeldBytes: 1_000_000 };
  const options = { username: '_c', clientId: '_c', password: 'secret', log, ...limit, filters, ...more };
  const consumer = createBusConsumer({ ...options, url, commit });
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

test('a batch whose commit was rejected is committed later, in order', async (t) => {
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

test('QoS 0 messages outlive a passing fault of the database, each once and in order', async (t) => {
  await using stand = await startBroker();
  const all = collector(40);
  let failing = true;
  const failed = Promise.withResolvers<void>();
  await using consumer = await startConsumer(stand.url, async (batch) => {
    if (failing) {
      failed.resolve();
      throw new Error('the disk is full');
    }
    all.take(batch);
  });
  const publish = (texts: readonly string[]) =>
    Promise.all(
      texts.map((text) => stand.publisher.publishAsync('t/a', text, { qos: Number(text) % 2 === 0 ? 0 : 1 })),
    );
  const acknowledged = publish(numbers(20));
  await failed.promise;
  // What comes meanwhile is gathered behind it.
  const later = publish(numbers(40).slice(20));
  await Promise.all([acknowledged, later]);
  t.true(consumer.connected);
  failing = false;
  const texts = await all.full;
  const ofQos = (qos: 0 | 1) => (text: string) => Number(text) % 2 === qos;
  // The broker keeps the order of each QoS, not the one between the two.
  for (const qos of [0, 1] as const) t.deepEqual(texts.filter(ofQos(qos)), numbers(40).filter(ofQos(qos)));
});

for (const [what, limit] of [
  ['messages', { maxHeldMessages: 20 }],
  ['bytes', { maxHeldBytes: 20 * (3 + 100) }],
] as const)
  test(`beyond its limit of ${what} the hold leaves out QoS 0 and counts it, and loses no QoS 1`, async (t) => {
    await using stand = await startBroker();
    const texts: string[] = [];
    const last = Promise.withResolvers<void>();
    let failing = true;
    let droppedCount = 0;
    const failed = Promise.withResolvers<void>();
    const told = Promise.withResolvers<number>();
    const note = (data: unknown): void => {
      const { dropped } = data as { dropped?: number };
      if (dropped !== undefined) told.resolve(dropped);
    };
    const commit: Commit = async (batch) => {
      if (failing) {
        failed.resolve();
        throw new Error('the disk is full');
      }
      texts.push(...batch.map(({ payload }) => payload.toString().trim()));
      if (texts.includes('last')) last.resolve();
    };
    await using _consumer = await startConsumer(stand.url, commit, ['t/#'], 10, {
      ...limit,
      dropped: (count) => {
        droppedCount += count;
      },
      log: { info: note, warn: note, debug() {} },
    });
    const publish = (text: string, qos: 0 | 1) => stand.publisher.publishAsync('t/a', text.padEnd(100), { qos });
    await publish('first', 1);
    await failed.promise;
    for (const text of numbers(50)) await publish(text, 0);
    // The broker answers in order: everything before it was sent to the consumer.
    await publish('last', 1);
    failing = false;
    await last.promise;
    t.is(texts.filter((text) => text === 'first').length, 1);
    t.is(texts.at(-1), 'last');
    const kept = texts.filter((text) => /^\d+$/.test(text));
    t.deepEqual(kept, numbers(kept.length), 'the ones that came first stay, in order');
    t.is(kept.length, 19);
    t.is(droppedCount, 31);
    t.is(await told.promise, 31, 'the log says how many');
  });

test('the connection that dies while a batch waits brings its QoS 1 again, and its QoS 0 stays', async (t) => {
  await using stand = await startBroker();
  let failing = true;
  const texts: string[] = [];
  const failed = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  await using consumer = await startConsumer(stand.url, async (batch) => {
    if (failing) {
      failed.resolve();
      throw new Error('the disk is full');
    }
    texts.push(...batch.map(({ payload }) => payload.toString()));
    if (texts.includes('zero') && texts.includes('one')) all.resolve();
  });
  await stand.publisher.publishAsync('t/a', 'zero', { qos: 0 });
  await stand.publisher.publishAsync('t/a', 'one', { qos: 1 });
  await failed.promise;
  const back = Promise.withResolvers<void>();
  let times = 0;
  consumer.onConnect(() => {
    times += 1;
    if (times === 2) back.resolve();
  });
  const clients = (stand.broker as unknown as { clients: Record<string, { conn: { destroy(): void } }> }).clients;
  clients['_c']?.conn.destroy();
  await back.promise;
  failing = false;
  await all.promise;
  t.deepEqual(texts.toSorted(), ['one', 'zero']);
});

test('a consumer that is closed while its batch cannot be stored ends, and QoS 1 comes to the next one', async (t) => {
  await using stand = await startBroker();
  const failed = Promise.withResolvers<void>();
  let dropped = 0;
  const sick = await startConsumer(
    stand.url,
    async () => {
      failed.resolve();
      throw new Error('the disk is full');
    },
    ['t/#'],
    10,
    {
      dropped: (count) => {
        dropped += count;
      },
    },
  );
  await stand.publisher.publishAsync('t/a', 'zero', { qos: 0 });
  await stand.publisher.publishAsync('t/a', 'one', { qos: 1 });
  await failed.promise;
  await sick[Symbol.asyncDispose]();
  t.is(dropped, 1, 'what only this process had is counted as lost');
  const all = collector(1);
  await using _next = await startConsumer(stand.url, async (batch) => all.take(batch));
  t.deepEqual(await all.full, ['one']);
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
