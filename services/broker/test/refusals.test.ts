import { limits } from '@sgp/shared/limits';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { brokerLimits } from '../src/broker-limits.ts';
import { closing, est, listenTo, startStand, watchRefusals } from './support/stand.ts';

test('a wrong password is refused, counted and told with its reason', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const error = await t.throwsAsync(stand.connectAs(`${est}.m1`, 'wrong'));
  t.is((error as { code?: unknown }).code, 4);
  const refusal = await refusals.first('MQTT_CREDENTIALS_INVALID');
  t.is(refusal.username, `${est}.m1`);
  t.is(refusal.remoteAddress, '127.0.0.1');
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'MQTT_CREDENTIALS_INVALID' }), 1);
});

test('an unknown machine, a missing user name and a machine of another establishment are refused alike', async (t) => {
  await using stand = await startStand();
  await t.throwsAsync(stand.connectAs(`${est}.m9`, 'x'));
  await t.throwsAsync(stand.connectAs('other.m1', 'secret-of-m1'));
  await t.throwsAsync(stand.connectAs('', ''));
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'MQTT_CREDENTIALS_INVALID' }), 3);
});

test('a clientId that is not the user name is refused', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const error = await t.throwsAsync(stand.connectDevice('m1', { clientId: 'mosq-1234' }));
  t.is((error as { code?: unknown }).code, 2);
  t.is((await refusals.first('MQTT_CLIENT_ID_MISMATCH')).clientId, 'mosq-1234');
});

test("another machine's topic is refused with an excerpt, and the connection is cut", async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const machine = await stand.connectDevice('m1');
  const gone = closing(machine);
  machine.publish(topics.up(est, 'm2', 'count'), '{"good":1}', { qos: 1 });
  await gone;
  const refusal = await refusals.first('MQTT_TOPIC_FORBIDDEN');
  t.is(refusal.topic, topics.up(est, 'm2', 'count'));
  t.is(refusal.excerpt, '{"good":1}');
  t.is(refusal.username, `${est}.m1`);
});

test("a last will on another machine's topic is refused at the connect", async (t) => {
  await using stand = await startStand();
  const will = { topic: topics.up(est, 'm2', 'state'), payload: Buffer.from('x'), qos: 1 as const, retain: true };
  const error = await t.throwsAsync(stand.connectDevice('m1', { will }));
  t.is((error as { code?: unknown }).code, 5);
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'MQTT_TOPIC_FORBIDDEN' }), 1);
});

test('a machine may hold sixteen filters of 256 characters, also when it asks for many in one packet', async (t) => {
  await using stand = await startStand();
  const machine = await stand.connectDevice('m1');
  const filters = Array.from({ length: 40 }, (_, index) => `sgp/${est}/m1/down/${index}`);
  const asked = Object.fromEntries(filters.map((filter) => [filter, { qos: 1 as const }]));
  await t.throwsAsync(machine.subscribeAsync(asked));
  const refused = filters.length - brokerLimits.deviceFiltersMax;
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'MQTT_TOPIC_FORBIDDEN' }), refused);
  await t.notThrowsAsync(machine.subscribeAsync(filters[0] as string), 'one that is held may be asked for again');
  const other = await stand.connectDevice('m2');
  await t.throwsAsync(other.subscribeAsync(`sgp/${est}/m2/down/${'x'.repeat(brokerLimits.deviceFilterMaxChars)}`));
});

test('a foreign filter is answered with 0x80, and the connection stays', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const machine = await stand.connectDevice('m1');
  for (const filter of ['sgp/#', '#', '+/+/m1/down/#', topics.upAll(est), topics.downAll(est, 'm2'), '$SYS/#'])
    await t.throwsAsync(machine.subscribeAsync(filter));
  t.is((await refusals.first('MQTT_TOPIC_FORBIDDEN')).topic, 'sgp/#');
  const [granted] = await machine.subscribeAsync(topics.downAll(est, 'm1'), { qos: 1 });
  t.is(granted?.qos, 1);
  t.true(machine.connected);
});

test('a payload over 16 KiB is refused with its size, and the connection is cut', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const machine = await stand.connectDevice('m1');
  const gone = closing(machine);
  machine.publish(topics.up(est, 'm1', 'telemetry'), 'x'.repeat(16 * 1024 + 1), { qos: 1 });
  await gone;
  t.is((await refusals.first('MQTT_PAYLOAD_TOO_LARGE')).sizeBytes, 16 * 1024 + 1);
});

test('the sixth wrong password in a minute waits, and no other user name of the address does', async (t) => {
  await using stand = await startStand();
  for (let attempt = 1; attempt <= 5; attempt += 1) await t.throwsAsync(stand.connectAs(`${est}.m1`, 'wrong'));
  const error = await t.throwsAsync(stand.connectDevice('m1'));
  t.is((error as { code?: unknown }).code, 3);
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'RATE_LIMITED' }), 1);
  t.true((await stand.connectDevice('m2')).connected);
});

test('a loop of refusals is counted in full and told only as fast as people read', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const machine = await stand.connectDevice('m1');
  for (let index = 0; index < 30; index += 1) await t.throwsAsync(machine.subscribeAsync(`sgp/other/${index}`));
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'MQTT_TOPIC_FORBIDDEN' }), 30);
  await refusals.first('MQTT_TOPIC_FORBIDDEN');
  t.true(refusals.all().length < 30);
});

test('what is retained beside the state is passed on without the retain flag', async (t) => {
  await using stand = await startStand();
  const machine = await stand.connectDevice('m1');
  await machine.publishAsync(topics.up(est, 'm1', 'state'), 'kept', { qos: 1, retain: true });
  await machine.publishAsync(topics.up(est, 'm1', 'count'), 'not kept', { qos: 1, retain: true });
  const ears = await listenTo(await stand.connectService(), topics.upAll(est));
  await machine.publishAsync(topics.up(est, 'm1', 'event'), 'last', { qos: 1 });
  await ears.first(({ text }) => text === 'last');
  t.deepEqual(
    ears.heard.map(({ text, retain }) => [text, retain]),
    [
      ['kept', true],
      ['last', false],
    ],
  );
  t.is(await stand.metric('sgp_broker_retain_stripped_total'), 1);
});

test('above 50 messages a second QoS 0 is left out and counted; QoS 1 is slowed and none is lost', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const ears = await listenTo(await stand.connectService(), topics.upAll(est));
  const openedAt = performance.now();
  const machine = await stand.connectDevice('m1');
  for (let index = 0; index < 400; index += 1)
    machine.publish(topics.up(est, 'm1', 'telemetry'), `${index}`, { qos: 0 });
  t.is((await refusals.first('MQTT_RATE_LIMITED')).topic, topics.up(est, 'm1', 'telemetry'));
  const numbers = Array.from({ length: 60 }, (_, index) => `count ${index}`);
  await Promise.all(numbers.map((text) => machine.publishAsync(topics.up(est, 'm1', 'count'), text, { qos: 1 })));
  const elapsedS = (performance.now() - openedAt) / 1000;
  await ears.first(({ text }) => text === 'count 59');
  t.deepEqual(
    ears.heard.map(({ text }) => text).filter((text) => text.startsWith('count')),
    numbers,
  );
  const leftOut = await stand.metric('sgp_broker_refused_total', { code: 'MQTT_RATE_LIMITED' });
  const passed = 400 - leftOut + numbers.length;
  const rate = limits.floorMessagesPerDeviceMaxPerSecond;
  t.true(leftOut > 0 && passed <= rate * (brokerLimits.floorBurstS + elapsedS) + 1, `${passed} in ${elapsedS} s`);
  t.true(machine.connected);
});

test('services may not write what belongs to a machine or to the broker, and not outside the establishment', async (t) => {
  await using stand = await startStand();
  for (const topic of [
    topics.up(est, 'm1', 'count'),
    topics.online(est, 'm1'),
    topics.refused(est),
    'sgp/other/x',
    'x',
  ]) {
    const service = await stand.connectService('_bridge');
    const gone = closing(service);
    service.publish(topic, 'x', { qos: 1 });
    await gone;
  }
  t.is(await stand.metric('sgp_broker_refused_total', { code: 'MQTT_TOPIC_FORBIDDEN' }), 5);
});
