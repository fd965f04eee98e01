import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import Sqlite from 'better-sqlite3';
import { brokerLimits } from '../src/broker-limits.ts';
import { databaseFile, openBrokerDatabase } from '../src/db.ts';
import { type Journal, openJournal } from '../src/persistence/journal.ts';
import { createMessagePacker, unpackMessages } from '../src/persistence/journal-batch.ts';
import { connectPacket, connectRaw } from './support/raw-client.ts';
import { closing, est, servicePassword, startStand, watchRefusals } from './support/stand.ts';

const order = topics.order(est, 'a');

/** A journal on a fresh file, which can be closed and opened again. */
async function journalFile() {
  const folder = await mkdtemp(join(tmpdir(), 'sgp-journal-'));
  const url = `sqlite:${join(folder, 'broker.db')}`;
  await (await openBrokerDatabase(url)).destroy();
  const onFailure = (error: Error): void => {
    throw error;
  };
  return {
    open: () => openJournal({ file: databaseFile(url), observeCommit: () => undefined, onFailure }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const append = (journal: Journal, text: string, sessions: readonly number[]): Promise<number> =>
  new Promise((resolve, reject) => {
    journal.append({ topic: order, payload: Buffer.from(text) }, sessions, null, (error, id) =>
      error ? reject(error) : resolve(id),
    );
  });

test('packed messages come out as they went in, larger than the first buffer too', (t) => {
  const packer = createMessagePacker();
  const messages = [
    { sessionId: 1, id: 2 ** 40, topic: 'sgp/é/ü', payload: Buffer.alloc(0) },
    { sessionId: 4_000_000_000, id: 7, topic: 't', payload: Buffer.alloc(300_000, 7) },
    { sessionId: 2, id: 8, topic: 't', payload: Buffer.from('last') },
  ];
  for (const message of messages) packer.add(message);
  t.is(packer.count, 3);
  t.deepEqual([...unpackMessages(packer.take(), 3)], messages);
  t.is(packer.count, 0);
});

test('what was appended and not acknowledged is there after the next opening, in order, for each session', async (t) => {
  await using file = await journalFile();
  const first = await file.open();
  for (const id of [1, 2]) await first.saveSession({ id, clientId: `_s:${id}`, seenAt: 1, filters: [['a/#', 1]] });
  const ids = await Promise.all(
    ['a', 'b', 'c', 'd'].map((text, index) => append(first, text, index === 1 ? [1] : [1, 2])),
  );
  const message = (index: number) => ({
    id: ids[index] ?? 0,
    topic: order,
    payload: Buffer.from('abcd'.charAt(index)),
  });
  // Session 1 has the third before the second: only the third goes. Session 2 has everything up to the third.
  first.acknowledge(1, message(0), true);
  first.acknowledge(1, message(2), false);
  first.acknowledge(2, message(0), true);
  first.acknowledge(2, message(2), true);
  await first[Symbol.asyncDispose]();
  await using second = await file.open();
  const texts = (session: number) => second.read(session, 0, 10).map(({ payload }) => payload.toString());
  t.deepEqual(texts(1), ['b', 'd']);
  t.deepEqual(texts(2), ['d']);
  t.deepEqual(
    second.sessions.map(({ clientId, filters, waitingMessages }) => [clientId, filters, waitingMessages]),
    [
      ['_s:1', [['a/#', 1]], 2],
      ['_s:2', [['a/#', 1]], 1],
    ],
  );
  t.is(second.waitingBytes, 3 * (order.length + 1));
  t.true((await append(second, 'e', [1])) > (ids[3] ?? 0));
});

test('a session that is removed leaves nothing behind', async (t) => {
  await using file = await journalFile();
  const first = await file.open();
  await first.saveSession({ id: 1, clientId: '_s', seenAt: 1, filters: [['a', 1]] });
  await append(first, 'a', [1]);
  await first.removeSession(1);
  t.is(first.waitingBytes, 0);
  await first[Symbol.asyncDispose]();
  await using second = await file.open();
  t.deepEqual([...second.sessions], []);
  t.deepEqual(second.read(1, 0, 10), []);
});

/** Connects the durable session `_production-api:test` by hand. */
async function connectDurable(port: number) {
  const raw = await connectRaw(port);
  raw.socket.write(connectPacket('_production-api:test', '_production-api', servicePassword, false));
  const connack = await raw.next(({ cmd }) => cmd === 'connack');
  return { raw, sessionPresent: connack.cmd === 'connack' && connack.sessionPresent };
}

test('what was sent and not acknowledged is sent again with its packet id and the DUP flag', async (t) => {
  await using stand = await startStand();
  const first = await connectDurable(stand.port);
  t.false(first.sessionPresent);
  first.raw.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: `sgp/${est}/_bus/orders/+`, qos: 1 }],
  } as never);
  await first.raw.next(({ cmd }) => cmd === 'suback');
  const publisher = await stand.connectService('_bridge');
  for (const text of ['one', 'two', 'three']) await publisher.publishAsync(order, text, { qos: 1 });
  const isText = (text: string) => (packet: { cmd: string; payload?: unknown }) =>
    packet.cmd === 'publish' && String(packet.payload) === text;
  const one = await first.raw.next(isText('one'));
  const three = await first.raw.next(isText('three'));
  first.raw.send({ cmd: 'puback', messageId: one.messageId } as never);
  first.raw.send({ cmd: 'pingreq' });
  await first.raw.next(({ cmd }) => cmd === 'pingresp');
  first.raw.socket.destroy();
  const second = await connectDurable(stand.port);
  t.true(second.sessionPresent);
  const again = await second.raw.next(isText('three'));
  t.true(again.cmd === 'publish' && again.dup);
  t.is(again.messageId, three.messageId);
  t.deepEqual(
    second.raw.packets
      .filter(({ cmd }) => cmd === 'publish')
      .map((packet) => 'payload' in packet && String(packet.payload)),
    ['two', 'three'],
  );
  second.raw.socket.destroy();
});

test('a clean connect ends the durable session', async (t) => {
  await using stand = await startStand();
  const first = await connectDurable(stand.port);
  first.raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: order, qos: 1 }] } as never);
  await first.raw.next(({ cmd }) => cmd === 'suback');
  first.raw.socket.destroy();
  await stand.connectService('_production-api:test');
  t.deepEqual([...stand.broker.durable.all], []);
});

test('a backlog larger than the memory it may take arrives whole and in order', async (t) => {
  await using stand = await startStand();
  const first = await connectDurable(stand.port);
  first.raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: order, qos: 1 }] } as never);
  await first.raw.next(({ cmd }) => cmd === 'suback');
  first.raw.socket.destroy();
  const count = brokerLimits.sessionMemoryMaxMessages + 5_000;
  const publisher = await stand.connectService('_bridge');
  const sent: Promise<unknown>[] = [];
  for (let index = 0; index < count; index += 1) {
    sent.push(publisher.publishAsync(order, String(index), { qos: 1 }));
    if (index % 1_000 === 999) await Promise.all(sent.splice(0));
  }
  await Promise.all(sent);
  const second = await connectDurable(stand.port);
  const received: number[] = [];
  const all = Promise.withResolvers<void>();
  const take = (packet: { cmd: string; payload?: unknown; messageId?: number | undefined }): void => {
    if (packet.cmd !== 'publish') return;
    received.push(Number(String(packet.payload)));
    second.raw.send({ cmd: 'puback', messageId: packet.messageId } as never);
    if (received.length === count) all.resolve();
  };
  for (const packet of second.raw.packets) take(packet);
  second.raw.onPacket(take);
  await all.promise;
  t.deepEqual(
    received,
    Array.from({ length: count }, (_, index) => index),
  );
  second.raw.socket.destroy();
});

test('what the journal cannot store is not acknowledged: the connection is cut and readiness fails', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const durable = await connectDurable(stand.port);
  durable.raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: order, qos: 1 }] } as never);
  await durable.raw.next(({ cmd }) => cmd === 'suback');
  const sqlite = new Sqlite(join(stand.folder, 'broker.db'));
  sqlite.exec('alter table journal_queue rename to broken');
  sqlite.close();
  const publisher = await stand.connectService('_bridge');
  const gone = closing(publisher);
  let acknowledged = false;
  publisher.publish(order, 'x', { qos: 1 }, (error) => {
    acknowledged = !error;
  });
  await gone;
  t.false(acknowledged);
  t.is((await refusals.first('UNAVAILABLE')).topic, order);
  t.is((await fetch(`${stand.adminUrl}/readyz`)).status, 503);
  durable.raw.socket.destroy();
});
