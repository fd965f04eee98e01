import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { LogLine, Machine, MachineCredential, Refusals, TelemetrySeries } from '@sgp/shared/api/machines';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { startShop, until } from '../support/shop.ts';
import { listenEvents } from '../support/sse.ts';

const exec = promisify(execFile);
const mosquittoPub = process.env['MOSQUITTO_PUB'] ?? '/usr/bin/mosquitto_pub';

type Credential = MachineCredential['credential'];

/** Publishes with Mosquitto's own client; returns what it wrote to standard error, empty when it went well. */
async function publish(
  credential: Credential,
  topic: string,
  payload: string,
  change: Partial<Credential> = {},
): Promise<string> {
  const use = { ...credential, ...change };
  const args = [
    '-h',
    use.host,
    '-p',
    String(use.port),
    '-i',
    use.clientId,
    '-u',
    use.username,
    '-P',
    use.password,
    '-V',
    'mqttv311',
    '-q',
    '1',
    '-t',
    topic,
    '-m',
    payload,
  ];
  const result = await exec(mosquittoPub, args, { timeout: 10_000 }).catch(
    (error: { stderr?: string; message: string }) => ({ stderr: error.stderr || error.message }),
  );
  return result.stderr;
}

test('what a machine publishes is on its page within a second and survives kill -9 of the API; what is wrong is refused with its reason', async (t) => {
  const { shop, running, urls } = await startShop(t);
  const { machine, credential } = await shop.registerMachine({
    name: 'Serra 1',
    slug: 'serra1',
    kind: 'Serra',
    sector: 'Corte',
  });
  const { machineId } = machine;
  const topic = (kind: string): string => `${credential.topicPrefix.replace(/\/$/, '')}/${kind}`;
  await until(
    'the broker knows the credential',
    () => publish(credential, topic('telemetry'), JSON.stringify({ ts: Date.now(), values: { rpm: 1 } })),
    (stderr) => stderr === '',
  );

  using events = await listenEvents(`${urls.intranet}/api/events`, shop.cookie);
  const ofMachine = (data: { machineId: string }): boolean => data.machineId === machineId;
  const withinASecond = async (what: string, wait: Promise<unknown>, send: Promise<string>): Promise<void> => {
    t.is(await send, '', what);
    const sentAt = performance.now();
    await wait;
    t.true(performance.now() - sentAt < 1_000, `${what} took ${performance.now() - sentAt} ms`);
  };
  const line = (kind: string) =>
    events.next(
      'machine.log',
      (data: { machineId: string; lines: LogLine[] }) =>
        ofMachine(data) && data.lines.some((each) => each.kind === kind),
    );
  await withinASecond(
    'state',
    events.next('machine.changed', (data: Machine) => ofMachine(data) && data.state === 'running'),
    publish(credential, topic('state'), JSON.stringify({ ts: Date.now(), state: 'running' })),
  );
  await withinASecond(
    'telemetry',
    events.next('machine.telemetry', ofMachine),
    publish(credential, topic('telemetry'), JSON.stringify({ ts: Date.now(), values: { rpm: 2870, porta: false } })),
  );
  await withinASecond(
    'count',
    line('count'),
    publish(credential, topic('count'), JSON.stringify({ ts: Date.now(), id: 'c1', good: 3, scrap: 1 })),
  );
  await withinASecond(
    'event',
    line('event'),
    publish(
      credential,
      topic('event'),
      JSON.stringify({ ts: Date.now(), id: 'e1', level: 'warn', code: 'lamina', text: 'Lâmina quente' }),
    ),
  );
  await withinASecond(
    'scan',
    line('scan'),
    publish(credential, topic('scan'), JSON.stringify({ ts: Date.now(), id: 's1', code: '1001' })),
  );

  // Each wrong thing once.
  t.not(await publish(credential, topic('event'), '{}', { password: 'wrong' }), '');
  await publish(credential, topic('event').replace('serra1', 'serra2'), '{}');
  await publish(credential, topic('event'), '{broken');
  await publish(
    credential,
    topic('telemetry'),
    JSON.stringify({ ts: Date.now(), values: { text: 'x'.repeat(limits.floorPayloadMaxBytes) } }),
  );
  await publish(
    credential,
    topic('event'),
    JSON.stringify({ ts: Date.UTC(2000, 0, 1), id: 'old', level: 'info', code: 'relogio', text: 'Ano 2000' }),
  );
  const wanted = [
    'MQTT_CREDENTIALS_INVALID',
    'MQTT_TOPIC_FORBIDDEN',
    'FLOOR_JSON_INVALID',
    'MQTT_PAYLOAD_TOO_LARGE',
    'FLOOR_CLOCK_SKEW',
  ];
  const reasons = await until(
    'every refusal is shown with its reason',
    async () =>
      (await shop.get<Refusals>(`/api/machines/${machineId}/refusals`)).counts.map(({ code }) => code as string),
    (codes) => wanted.every((code) => codes.includes(code)),
  );
  t.log(reasons);
  const marked = (await shop.get<{ lines: LogLine[] }>(`/api/machines/${machineId}/log`)).lines.find(
    (each) => each.mark === 'FLOOR_CLOCK_SKEW',
  );
  t.true(
    marked !== undefined && Math.abs(marked.at - Date.now()) < 60_000,
    'the message of the year 2000 is filed under its arrival',
  );
  t.is(marked?.machineAt, Date.UTC(2000, 0, 1));

  const before = await shop.get<{ lines: LogLine[] }>(`/api/machines/${machineId}/log`);
  const pid = running.processes.get('production-api')?.pid as number;
  process.kill(pid, 'SIGKILL');
  const after = await until(
    'the log after kill -9',
    () => shop.get<{ lines: LogLine[] }>(`/api/machines/${machineId}/log`),
    ({ lines }) => lines.length >= before.lines.length,
  );
  const kinds = after.lines.filter((each) => each.mark === null).map((each) => each.kind);
  for (const kind of ['state', 'count', 'event', 'scan'] as const) t.true(kinds.includes(kind), kind);
  t.is(kinds.filter((kind) => kind === 'count').length, 1, 'nothing is doubled');
  const series = await shop.get<TelemetrySeries>(
    `/api/machines/${machineId}/telemetry?metric=rpm&from=${Date.now() - 600_000}&to=${Date.now() + 60_000}`,
  );
  t.true(series.max.includes(2870));
  const machines = await shop.machines();
  t.deepEqual(machines.find(ofMachine)?.today, { good: 3, scrap: 1 });
});
