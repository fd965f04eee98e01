import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { connectPacket, connectRaw } from './support/raw-client.ts';
import {
  closing,
  credential,
  est,
  listenTo,
  secretOf,
  startStand,
  watchOnline,
  watchRefusals,
} from './support/stand.ts';

test('a machine is online from its connect to its disconnect, retained', async (t) => {
  await using stand = await startStand();
  const machine = await stand.connectDevice('m1');
  const before = await watchOnline(stand, 'm1');
  t.true((await before.first(true)).retain);
  await machine.endAsync();
  t.false((await before.first(false, 'disconnected')).online);
});

test('a registered machine that never connected is offline', async (t) => {
  await using stand = await startStand();
  const online = await watchOnline(stand, 'm2');
  t.is((await online.first(false)).reason, 'broker-started');
});

test('a machine whose cable is pulled is offline, and its last will is published', async (t) => {
  await using stand = await startStand();
  const online = await watchOnline(stand, 'm1');
  const ears = await listenTo(await stand.connectService(), topics.up(est, 'm1', 'state'));
  const will = { topic: topics.up(est, 'm1', 'state'), payload: Buffer.from('off'), qos: 1 as const, retain: true };
  const machine = await stand.connectDevice('m1', { will });
  await online.first(true);
  machine.stream.destroy();
  await online.first(false, 'connection-lost');
  t.is((await ears.first(({ text }) => text === 'off')).topic, topics.up(est, 'm1', 'state'));
});

test('a machine that falls silent is offline after one and a half times its keepalive', async (t) => {
  await using stand = await startStand();
  const online = await watchOnline(stand, 'm1');
  const machine = await stand.connectDevice('m1', { keepalive: 1, reschedulePings: false });
  machine.stream.pause();
  (machine as unknown as { keepaliveManager: { destroy(): void } }).keepaliveManager.destroy();
  t.is((await online.first(false, 'keepalive-timeout')).reason, 'keepalive-timeout');
});

test('a second connection of the same machine takes over, and the machine never looks offline', async (t) => {
  await using stand = await startStand();
  const first = await stand.connectDevice('m1');
  const online = await watchOnline(stand, 'm1');
  const firstGone = closing(first);
  const second = await stand.connectDevice('m1');
  await firstGone;
  await second.publishAsync(topics.up(est, 'm1', 'event'), 'here', { qos: 1 });
  t.deepEqual(
    online.all().filter((state) => !state.online),
    [],
  );
});

test("a machine cannot take another's session over with the other's clientId", async (t) => {
  await using stand = await startStand();
  const victim = await stand.connectDevice('m1');
  const error = await t.throwsAsync(stand.connectDevice('m2', { clientId: `${est}.m1` }));
  t.is((error as { code?: unknown }).code, 2);
  await t.throwsAsync(stand.connectDevice('m2', { clientId: '_production-api' }));
  await t.throwsAsync(stand.connectService('_bridge', { clientId: '_production-api:floor' }));
  await victim.publishAsync(topics.up(est, 'm1', 'event'), 'still here', { qos: 1 });
  t.true(victim.connected);
});

test('a revoked machine is cut at once, its session and its retained messages are gone, and it stays out', async (t) => {
  await using stand = await startStand();
  const machine = await stand.connectDevice('m1', { clean: false });
  await machine.subscribeAsync(topics.downAll(est, 'm1'), { qos: 1 });
  await machine.publishAsync(topics.up(est, 'm1', 'state'), 'kept', { qos: 1, retain: true });
  const gone = closing(machine);
  const answer = await stand.admin('/v1/credentials', {
    method: 'PUT',
    body: JSON.stringify({ credentials: [credential('m2')] }),
  });
  t.deepEqual(await answer.json(), { revoked: 1 });
  await gone;
  await t.throwsAsync(stand.connectDevice('m1'));
  const ears = await listenTo(await stand.connectService(), `sgp/${est}/#`);
  await ears.first(({ topic }) => topic === topics.online(est, 'm2'));
  t.false(ears.heard.some(({ topic }) => topic.startsWith(`sgp/${est}/m1/`)));
  await stand.broker.replaceCredentials([credential('m1'), credential('m2')]);
  t.false(await sessionPresent(stand.port, 'm1'));
});

test('adding a second secret cuts nobody; removing the one in use does', async (t) => {
  await using stand = await startStand();
  const machine = await stand.connectDevice('m1');
  await stand.broker.replaceCredentials([credential('m1', ['secret-of-m1', 'next'])]);
  await machine.publishAsync(topics.up(est, 'm1', 'event'), 'still here', { qos: 1 });
  t.true((await stand.connectAs(`${est}.m1`, 'next')).connected);
  const second = await stand.connectDevice('m1');
  const gone = closing(second);
  await stand.broker.replaceCredentials([credential('m1', ['next'])]);
  await gone;
  t.true((await stand.connectAs(`${est}.m1`, 'next')).connected);
});

test('a machine that is refused is offline with that reason', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const online = await watchOnline(stand, 'm1');
  const machine = await stand.connectDevice('m1');
  machine.publish('elsewhere', 'x');
  await refusals.first('MQTT_TOPIC_FORBIDDEN');
  t.is((await online.first(false, 'refused')).reason, 'refused');
});

async function sessionPresent(port: number, device: string): Promise<boolean> {
  using raw = await connectRaw(port);
  raw.socket.write(connectPacket(`${est}.${device}`, `${est}.${device}`, secretOf(device), false));
  const connack = await raw.next(({ cmd }) => cmd === 'connack');
  return connack.cmd === 'connack' && connack.sessionPresent;
}
