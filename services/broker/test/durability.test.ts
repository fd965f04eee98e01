import { randomInt } from 'node:crypto';
import { createBusConsumer } from '@sgp/service-kit/bus-consumer';
import type { BusMessage } from '@sgp/service-kit/bus-intake';
import { createLog } from '@sgp/service-kit/log';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { connectAsync } from 'mqtt';
import { startBrokerProcess } from './support/broker-process.ts';
import { connectPacket, connectRaw, publishPacket } from './support/raw-client.ts';
import { est, servicePassword } from './support/stand.ts';

const publisherCount = 4;
const topicOf = (publisher: number): string => topics.order(est, `p${publisher}`);

/** Publishes numbers with QoS 1, up to `window` of them unacknowledged, until its connection ends. */
async function startPublisher(port: number, publisher: number, onAck: () => void, window = 100) {
  const raw = await connectRaw(port);
  raw.socket.write(connectPacket(`_bridge:p${publisher}`, '_bridge', servicePassword));
  await raw.next(({ cmd }) => cmd === 'connack');
  let sent = 0;
  let acknowledged = 0;
  const send = (): void => {
    sent += 1;
    const options = { qos: 1, messageId: (sent % 65_535) + 1 } as const;
    if (!raw.socket.destroyed) raw.socket.write(publishPacket(topicOf(publisher), `${sent}`.padEnd(200, ' '), options));
  };
  raw.onPacket(({ cmd }) => {
    if (cmd !== 'puback') return;
    acknowledged += 1;
    onAck();
    send();
  });
  for (let index = 0; index < window; index += 1) send();
  return {
    [Symbol.dispose]: () => raw[Symbol.dispose](),
    get acknowledged() {
      return acknowledged;
    },
  };
}

/** A durable consumer that keeps the numbers it got by publisher. */
async function startCollector(url: string) {
  const received = Array.from({ length: publisherCount }, (): number[] => []);
  let check = (): void => undefined;
  const consumer = createBusConsumer({
    url,
    username: '_production-api',
    clientId: '_production-api:test',
    password: servicePassword,
    filters: [`sgp/${est}/_bus/orders/+`],
    maxBatchMessages: 500,
    maxDelayMs: 5,
    maxHeldMessages: 1_000,
    maxHeldBytes: 1_000_000,
    log: createLog('test', 'silent'),
    async commit(batch: readonly BusMessage[]) {
      for (const { topic, payload } of batch) received[Number(topic.at(-1))]?.push(Number(payload.toString()));
      check();
    },
  });
  await new Promise<void>((resolve) => consumer.onConnect(resolve));
  return {
    received,
    /** Resolves when what was received fulfils the condition. */
    until: (fulfilled: (received: readonly number[][]) => boolean | undefined) =>
      new Promise<void>((resolve) => {
        check = () => fulfilled(received) && resolve();
        check();
      }),
    [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose](),
  };
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
/** The numbers in the order of their first arrival. */
const firsts = (numbers: readonly number[]): number[] => [...new Set(numbers)];

test('after kill -9 under load with the consumer away, nothing acknowledged is lost and the order holds', async (t) => {
  await using broker = await startBrokerProcess();
  await (await startCollector(broker.url))[Symbol.asyncDispose]();
  const killAfter = randomInt(2_000, 12_000);
  t.log(`killed after ${killAfter} acknowledgements`);
  const enough = Promise.withResolvers<void>();
  let total = 0;
  const publishers = [];
  for (let index = 0; index < publisherCount; index += 1)
    publishers.push(
      await startPublisher(broker.port, index, () => {
        total += 1;
        if (total === killAfter) enough.resolve();
      }),
    );
  await enough.promise;
  await broker.kill();
  const acknowledged = publishers.map((publisher) => publisher.acknowledged);
  for (const publisher of publishers) publisher[Symbol.dispose]();
  await broker.start();
  await using collector = await startCollector(broker.url);
  await collector.until((received) => acknowledged.every((last, index) => (received[index]?.at(-1) ?? 0) >= last));
  for (const [index, last] of acknowledged.entries()) {
    const received = collector.received[index] ?? [];
    t.deepEqual(received, upTo(received.length), 'each once, in order');
    t.true(received.length >= last);
  }
  t.log(`${acknowledged.reduce((sum, each) => sum + each, 0)} acknowledged, all received`);
});

test('after kill -9 under load with the consumer connected, nothing acknowledged is lost', async (t) => {
  await using broker = await startBrokerProcess();
  await using collector = await startCollector(broker.url);
  const enough = Promise.withResolvers<void>();
  const killAfter = randomInt(2_000, 12_000);
  t.log(`killed after ${killAfter} acknowledgements`);
  let total = 0;
  const publishers = [];
  for (let index = 0; index < publisherCount; index += 1)
    publishers.push(
      await startPublisher(broker.port, index, () => {
        total += 1;
        if (total === killAfter) enough.resolve();
      }),
    );
  await enough.promise;
  await broker.kill();
  const acknowledged = publishers.map((publisher) => publisher.acknowledged);
  for (const publisher of publishers) publisher[Symbol.dispose]();
  await broker.start();
  await collector.until((received) => acknowledged.every((last, index) => (received[index]?.at(-1) ?? 0) >= last));
  for (const [index, last] of acknowledged.entries()) {
    const received = firsts(collector.received[index] ?? []);
    t.deepEqual(received, upTo(received.length), 'all of them, in order; some may come twice');
    t.true(received.length >= last);
  }
});

test('retained messages and credentials outlive the process; every machine is offline until it connects', async (t) => {
  await using broker = await startBrokerProcess();
  const options = { username: '_bridge', password: servicePassword, clientId: '_bridge', protocolVersion: 4 } as const;
  const before = await connectAsync(broker.url, { ...options, reconnectPeriod: 0 });
  await before.publishAsync(topics.syncStatus(est), 'kept', { qos: 1, retain: true });
  const answer = await fetch(`${broker.adminUrl}/v1/credentials`, {
    method: 'PUT',
    headers: { authorization: 'Bearer admin-token', 'content-type': 'application/json' },
    body: JSON.stringify({ credentials: [{ username: `${est}.m1`, secretSha256: ['a'.repeat(64)] }] }),
  });
  t.is(answer.status, 200);
  await broker.kill();
  await before.endAsync(true);
  await broker.start();
  const after = await connectAsync(broker.url, { ...options, reconnectPeriod: 0 });
  const heard = new Map<string, string>();
  const both = Promise.withResolvers<void>();
  after.on('message', (topic, payload, { retain }) => {
    if (retain) heard.set(topic, payload.toString());
    if (heard.size === 2) both.resolve();
  });
  await after.subscribeAsync(`sgp/${est}/#`, { qos: 1 });
  await both.promise;
  t.is(heard.get(topics.syncStatus(est)), 'kept');
  t.is(JSON.parse(heard.get(topics.online(est, 'm1')) ?? '{}').reason, 'broker-started');
  await after.endAsync(true);
});

test('SIGTERM ends the process cleanly, and its journal goes on where it stood', async (t) => {
  await using broker = await startBrokerProcess();
  await (await startCollector(broker.url))[Symbol.asyncDispose]();
  const options = { username: '_bridge', password: servicePassword, clientId: '_bridge', protocolVersion: 4 } as const;
  const publisher = await connectAsync(broker.url, { ...options, reconnectPeriod: 0 });
  for (const number of upTo(50)) await publisher.publishAsync(topicOf(0), `${number}`, { qos: 1 });
  const startedAt = performance.now();
  await broker.stop();
  t.true(performance.now() - startedAt < 2_500);
  t.is(broker.exitCode, 0);
  await publisher.endAsync(true);
  await broker.start();
  await using collector = await startCollector(broker.url);
  await collector.until((received) => received[0]?.length === 50);
  t.deepEqual(collector.received[0], upTo(50));
});
