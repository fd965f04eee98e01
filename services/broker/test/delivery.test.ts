import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { connectAsync } from 'mqtt';
import { connectPacket, connectRaw, publishPacket } from './support/raw-client.ts';
import { est, listenTo, secretOf, servicePassword, startStand, watchRefusals } from './support/stand.ts';

test('a flood of one client on topics with and without listeners is survived', async (t) => {
  await using stand = await startStand();
  const ears = await listenTo(await stand.connectService('_bridge'), `sgp/${est}/_bus/orders/+`, 0);
  const service = await stand.connectService('_media-sync');
  const order = topics.order(est, 'a');
  const outbox = topics.outbox(est);
  const flood = [
    ...Array.from({ length: 200 }, () => publishPacket(order, 'x')),
    ...Array.from({ length: 12_000 }, () => publishPacket(outbox, 'x')),
    publishPacket(order, 'after the flood'),
  ];
  service.stream.write(Buffer.concat(flood));
  await ears.first(({ text }) => text === 'after the flood');
  t.is(ears.heard.length, 201);
});

test('a packet that is announced over the limit is cut before its bytes are gathered', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  using raw = await connectRaw(stand.port);
  // CONNECT with a remaining length of 200 MiB, and the beginning of it.
  raw.socket.write(Buffer.concat([Buffer.from([0x10, 0x80, 0x80, 0x80, 0x64]), Buffer.alloc(1024)]));
  await raw.closed;
  t.is((await refusals.first('MQTT_PAYLOAD_TOO_LARGE')).sizeBytes, 200 * 1024 * 1024);
});

test('what is not MQTT 3.1.1 is refused with its reason and disturbs nobody', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const bad: readonly Buffer[] = [
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    Buffer.from([0xc0, 0x00]),
    Buffer.from([0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2, 0, 60, 0, 0]),
  ];
  for (const bytes of bad) {
    using raw = await connectRaw(stand.port);
    raw.socket.write(bytes);
    await raw.closed;
  }
  for (const bytes of [
    publishPacket(`sgp/${est}/m1/up/a`, 'x').fill(0, 14, 15),
    Buffer.from([0x32, 0x05, 0, 1, 0x61, 0, 0]),
    Buffer.from([0x82, 0x07, 0, 1, 0, 2, 0x61, 0x2b, 0]),
  ]) {
    using raw = await connectRaw(stand.port);
    await raw.login('m1');
    raw.socket.write(bytes);
    await raw.closed;
  }
  await refusals.first('MQTT_PACKET_MALFORMED');
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'MQTT_PACKET_MALFORMED' }), 6);
  t.true((await stand.connectDevice('m2')).connected);
});

test('packets in pieces, and many packets in one piece, are read as they were written', async (t) => {
  await using stand = await startStand();
  const ears = await listenTo(await stand.connectService(), `sgp/${est}/_bus/#`, 0);
  using raw = await connectRaw(stand.port);
  for (const byte of connectPacket('_bridge', '_bridge', servicePassword)) {
    raw.socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await raw.next(({ cmd }) => cmd === 'connack');
  const texts = Array.from({ length: 300 }, (_, index) => String(index).padEnd(index % 3 === 0 ? 200_000 : 10, '.'));
  // Every second message goes where nobody listens: aedes is done with it inside the parser.
  raw.socket.write(
    Buffer.concat(
      texts.flatMap((text) => [publishPacket(topics.order(est, 'a'), text), publishPacket(`sgp/${est}/_x`, text)]),
    ),
  );
  await ears.first(({ text }) => text.startsWith('299.'));
  t.deepEqual(
    ears.heard.map(({ text }) => text),
    texts,
  );
});

test('MQTT 5 is refused with the code of the standard', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  await t.throwsAsync(stand.connectDevice('m1', { protocolVersion: 5 }));
  t.regex((await refusals.first('MQTT_PACKET_MALFORMED')).excerpt ?? '', /3\.1\.1/);
});

test('a retained message and the next one of the same write both arrive', async (t) => {
  await using stand = await startStand();
  const ears = await listenTo(await stand.connectService(), topics.upAll(est), 0);
  using raw = await connectRaw(stand.port);
  await raw.login('m1');
  raw.socket.write(
    Buffer.concat([
      publishPacket(topics.up(est, 'm1', 'state'), 'state', { retain: true }),
      publishPacket(topics.up(est, 'm1', 'telemetry'), 'telemetry'),
    ]),
  );
  await Promise.all([ears.first(({ text }) => text === 'state'), ears.first(({ text }) => text === 'telemetry')]);
  t.is(ears.heard.length, 2);
});

test('two filters of one client that match the same message deliver it once', async (t) => {
  await using stand = await startStand();
  const service = await stand.connectService();
  const ears = await listenTo(service, topics.upAll(est));
  await service.subscribeAsync(`sgp/${est}/m1/up/+`, { qos: 1 });
  const machine = await stand.connectDevice('m1');
  await machine.publishAsync(topics.up(est, 'm1', 'count'), 'once', { qos: 1 });
  await machine.publishAsync(topics.up(est, 'm1', 'event'), 'last', { qos: 1 });
  await ears.first(({ text }) => text === 'last');
  t.deepEqual(
    ears.heard.map(({ text }) => text),
    ['once', 'last'],
  );
});

test('a command waits for a machine that is away with a persistent session', async (t) => {
  await using stand = await startStand();
  const before = await stand.connectDevice('m1', { clean: false });
  await before.subscribeAsync(topics.downAll(est, 'm1'), { qos: 1 });
  await before.endAsync();
  const service = await stand.connectService();
  await service.publishAsync(topics.command(est, 'm1'), 'start', { qos: 1 });
  using raw = await connectRaw(stand.port);
  raw.socket.write(connectPacket(`${est}.m1`, `${est}.m1`, secretOf('m1'), false));
  const packet = await raw.next(({ cmd }) => cmd === 'publish');
  t.is(packet.cmd === 'publish' && packet.payload.toString(), 'start');
});

test('the same rules hold over WebSocket', async (t) => {
  await using stand = await startStand();
  const ears = await listenTo(await stand.connectService(), topics.upAll(est));
  const username = `${est}.m1`;
  const options = { clientId: username, username, protocolVersion: 4, reconnectPeriod: 0 } as const;
  await t.throwsAsync(connectAsync(stand.webSocketUrl, { ...options, password: 'wrong' }, false));
  const machine = await connectAsync(stand.webSocketUrl, { ...options, password: secretOf('m1') }, false);
  await machine.publishAsync(topics.up(est, 'm1', 'scan'), 'over websocket', { qos: 1 });
  await ears.first(({ text }) => text === 'over websocket');
  const { clients } = (await (await stand.admin('/v1/clients')).json()) as { clients: { transport: string }[] };
  t.true(clients.some(({ transport }) => transport === 'websocket'));
  await machine.endAsync();
});

test('the administration needs its token and refuses what is not a set of credentials', async (t) => {
  await using stand = await startStand();
  const status = async (init: RequestInit, path = '/v1/clients') => (await stand.admin(path, init)).status;
  t.is(await status({ headers: { authorization: '' } }), 401);
  t.is(await status({ headers: { authorization: 'Bearer wrong' } }), 401);
  t.is(await status({}), 200);
  const put = (credentials: unknown) =>
    status({ method: 'PUT', body: JSON.stringify({ credentials }) }, '/v1/credentials');
  const secretSha256 = ['a'.repeat(64)];
  t.is(await put([{ username: 'other.m1', secretSha256 }]), 422);
  t.is(await put([{ username: `${est}.m1`, secretSha256: [] }]), 422);
  t.is(await put([{ username: `${est}.m1`, secretSha256: ['x'] }]), 422);
  t.is(
    await put([
      { username: `${est}.m1`, secretSha256 },
      { username: `${est}.m1`, secretSha256 },
    ]),
    422,
  );
  t.is((await fetch(`${stand.adminUrl}/readyz`)).status, 200);
  t.regex(await (await fetch(`${stand.adminUrl}/metrics`)).text(), /sgp_broker_connections/);
});
