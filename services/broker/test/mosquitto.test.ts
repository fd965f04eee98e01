import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import { est, listenTo, secretOf, startStand, watchRefusals } from './support/stand.ts';

const run = promisify(execFile);

/** mosquitto_pub as a machine; rejects with its exit code. */
const pub = (port: number, device: string, args: readonly string[], password = secretOf(device)) => {
  const login = ['-i', `${est}.${device}`, '-u', `${est}.${device}`, '-P', password];
  return run('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(port), '-V', 'mqttv311', ...login, ...args]);
};

test('mosquitto_pub delivers each kind of message with its own credentials', async (t) => {
  await using stand = await startStand();
  const ears = await listenTo(await stand.connectService(), topics.upAll(est));
  const kinds = ['state', 'telemetry', 'count', 'event', 'scan'] as const;
  for (const kind of kinds) await pub(stand.port, 'm1', ['-q', '1', '-t', topics.up(est, 'm1', kind), '-m', kind]);
  await ears.first(({ text }) => text === 'scan');
  t.deepEqual(
    ears.heard.map(({ topic, text }) => [topic, text]),
    kinds.map((kind) => [topics.up(est, 'm1', kind), kind]),
  );
});

test('mosquitto_pub with a wrong password, a foreign topic or a large payload fails, each with its reason', async (t) => {
  await using stand = await startStand();
  const refusals = await watchRefusals(stand);
  const own = topics.up(est, 'm1', 'event');
  await t.throwsAsync(pub(stand.port, 'm1', ['-q', '1', '-t', own, '-m', 'x'], 'wrong'));
  await t.throwsAsync(pub(stand.port, 'm1', ['-q', '1', '-t', topics.up(est, 'm2', 'event'), '-m', 'x']));
  await t.throwsAsync(pub(stand.port, 'm1', ['-q', '1', '-t', own, '-m', 'x'.repeat(20_000)]));
  await refusals.first('MQTT_CREDENTIALS_INVALID');
  await refusals.first('MQTT_TOPIC_FORBIDDEN');
  t.is((await refusals.first('MQTT_PAYLOAD_TOO_LARGE')).sizeBytes, 20_000);
});

test('mosquitto_sub hears the commands of its own machine and no others', async (t) => {
  await using stand = await startStand();
  const service = await stand.connectService();
  await service.publishAsync(topics.command(est, 'm2'), 'not for m1', { qos: 1, retain: true });
  await service.publishAsync(topics.command(est, 'm1'), 'start', { qos: 1, retain: true });
  const login = ['-i', `${est}.m1`, '-u', `${est}.m1`, '-P', secretOf('m1'), '-V', 'mqttv311'];
  const where = ['-h', '127.0.0.1', '-p', String(stand.port)];
  const { stdout } = await run('mosquitto_sub', [
    ...where,
    ...login,
    '-q',
    '1',
    '-C',
    '1',
    '-W',
    '30',
    '-t',
    topics.downAll(est, 'm1'),
  ]);
  t.is(stdout, 'start\n');
});
