import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  type LogLine,
  logSchema,
  type Machine,
  type MachineCredential,
  machineCredentialSchema,
  machineSchema,
  type Refusals,
  type RevokedMachine,
  type TelemetrySeries,
} from '@sgp/shared/api/machines';
import type { ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import anyTest, { type TestFn } from 'ava';
import { connect, type MqttClient } from 'mqtt';
import { type FloorShop, startFloorShop } from '../../../test/support/floor-shop.ts';
import { listenEvents } from '../../../test/support/sse.ts';

/** A real broker and a real production-api; each test has a machine of its own. */
const test = anyTest as TestFn<{ stack: AsyncDisposableStack; shop: FloorShop }>;

test.before(async (t) => {
  const stack = new AsyncDisposableStack();
  t.context = { stack, shop: await startFloorShop(stack) };
});
test.after.always((t) => t.context.stack.disposeAsync());

const secondMs = 1_000;

async function within<Value>(
  maxMs: number,
  ask: () => Promise<Value>,
  good: (value: Value) => boolean,
): Promise<Value> {
  const deadline = performance.now() + maxMs;
  for (;;) {
    const value = await ask();
    if (good(value) || performance.now() > deadline) return value;
    await sleep(10);
  }
}

const publisher =
  (client: MqttClient, { credential }: MachineCredential) =>
  (kind: string, body: unknown) =>
    client.publishAsync(`${credential.topicPrefix}/${kind}`, typeof body === 'string' ? body : JSON.stringify(body), {
      qos: 1,
      retain: kind === 'state',
    });

const closed = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()));

test('each message of a machine is in the API and at an open screen within a second', async (t) => {
  const { shop } = t.context;
  const registered = machineCredentialSchema.parse(await shop.register('cada', 'Bordadeira 2'));
  const { machineId } = registered.machine;
  using events = await listenEvents(`${shop.api()}/api/events`, shop.cookie());
  const up = publisher(await shop.connect(registered.credential), registered);
  const own = (data: { machineId: string }) => data.machineId === machineId;
  const log = async () => logSchema.parse(await shop.call('GET', `/api/machines/${machineId}/log`)).lines;
  const shown = async (kind: string, code: string, body: unknown): Promise<void> => {
    const heard = events.next(
      'machine.log',
      (data: { machineId: string; lines: LogLine[] }) =>
        own(data) && data.lines.some((line) => line.kind === kind && line.code === code),
    );
    const at = performance.now();
    await up(kind, body);
    t.true((await heard).at - at < secondMs, `${kind} at the screen`);
    const lines = await within(secondMs, log, (found) =>
      found.some((line) => line.kind === kind && line.code === code),
    );
    t.true(
      lines.some((line) => line.kind === kind && line.code === code),
      `${kind} in the API`,
    );
    t.true(performance.now() - at < secondMs, `${kind} in a second`);
  };
  const now = Date.now();
  await shown('state', 'stopped', { ts: now, state: 'stopped', reason: 'linha' });
  await shown('count', 'count', { ts: now, id: 'c1', good: 18, scrap: 2 });
  await shown('event', 'thread', { ts: now, id: 'e1', level: 'warn', code: 'thread', text: 'Linha arrebentou' });
  await shown('scan', 'unknown', { ts: now, id: 's1', code: 'https://exemplo/p/nada' });
  await shown('result', 'done', { id: 'r1', ok: true });

  const sample = events.next('machine.telemetry', own);
  const at = performance.now();
  await up('telemetry', { ts: now, values: { speed: 784.5, on: true, program: 'logo' } });
  const heard = await sample;
  t.true(heard.at - at < secondMs);
  t.deepEqual((heard.data as { samples: unknown }).samples, [
    { at: now, metric: 'speed', value: 784.5 },
    { at: now, metric: 'on', value: true },
    { at: now, metric: 'program', value: 'logo' },
  ]);
  const series = await shop.call<TelemetrySeries>(
    'GET',
    `/api/machines/${machineId}/telemetry?metric=speed&from=${now - 1000}&to=${now + 1000}`,
  );
  t.deepEqual([series.at.length, series.min, series.avg, series.max], [1, [784.5], [784.5], [784.5]]);
  const machine = machineSchema.parse(await shop.call('GET', `/api/machines/${machineId}`));
  t.like(machine, {
    signal: 'online',
    state: 'stopped',
    stateReason: 'linha',
    stateSince: now,
    today: { good: 18, scrap: 2 },
    refusedCount: 0,
  });
  t.deepEqual(
    machine.metrics.map(({ name }) => name),
    ['on', 'program', 'speed'],
  );
  const { spans } = await shop.call<{ spans: { state: string | null }[] }>(
    'GET',
    `/api/machines/${machineId}/states?from=${now - 1000}&to=${now + 60_000}`,
  );
  t.is(spans.at(-1)?.state, 'stopped');
});

test('what is wrong is refused or marked with its reason and counted, and the next good message arrives', async (t) => {
  const { shop } = t.context;
  const registered = await shop.register('falhas');
  const other = await shop.register('vizinha');
  const { machineId } = registered.machine;
  const counts = async (): Promise<Partial<Record<ErrorCode, number>>> => {
    const refusals = await shop.call<Refusals>('GET', `/api/machines/${machineId}/refusals`);
    return Object.fromEntries(refusals.counts.map(({ code, count }) => [code, count]));
  };
  let next = 0;
  const stillArrives = async (why: string): Promise<void> => {
    const client = await shop.connect(registered.credential);
    next += 1;
    const id = `good-${next}`;
    await publisher(client, registered)('event', { ts: Date.now(), id, level: 'info', code: id, text: '' });
    const found = await within(
      secondMs,
      async () => (await shop.call<{ lines: LogLine[] }>('GET', `/api/machines/${machineId}/log?limit=50`)).lines,
      (lines) => lines.some((line) => line.code === id),
    );
    t.true(
      found.some((line) => line.code === id),
      `a good message after: ${why}`,
    );
    await client.endAsync(true);
  };
  const refused = async (code: ErrorCode, attempt: (client: MqttClient) => Promise<unknown>): Promise<void> => {
    const client = await shop.connect(registered.credential);
    client.on('error', () => {}); // the broker cuts some of them
    const before = (await counts())[code] ?? 0;
    // A connection that is cut never acknowledges.
    const cut = closed(client);
    await Promise.race([attempt(client), cut]);
    const after = await within(2 * secondMs, counts, (now) => (now[code] ?? 0) > before);
    t.is(after[code], before + 1, code);
    await client.endAsync(true);
    await stillArrives(code);
  };
  const up = (client: MqttClient, kind: string, body: unknown) => publisher(client, registered)(kind, body);
  await refused('FLOOR_JSON_INVALID', (client) => up(client, 'event', '{broken'));
  await refused('FLOOR_SCHEMA_INVALID', (client) => up(client, 'count', { ts: Date.now(), id: 'c', good: 'many' }));
  await refused('FLOOR_TOPIC_UNKNOWN', (client) => up(client, 'speed', { ts: Date.now() }));
  await refused('FLOOR_CLOCK_SKEW', (client) =>
    up(client, 'telemetry', { ts: Date.UTC(2000, 0, 1), values: { a: 1 } }),
  );
  await refused('MQTT_TOPIC_FORBIDDEN', (client) =>
    client.publishAsync(`${other.credential.topicPrefix}/event`, '{}', { qos: 1 }),
  );
  await refused('MQTT_PAYLOAD_TOO_LARGE', (client) => up(client, 'event', 'x'.repeat(limits.floorPayloadMaxBytes + 1)));
  await refused('MQTT_CREDENTIALS_INVALID', async () => {
    const { username, clientId } = registered.credential;
    const thief = connect(shop.brokerUrl, { username, clientId, password: 'wrong', reconnectPeriod: 0 });
    await new Promise((resolve) => thief.once('error', resolve));
    thief.end(true);
  });
  const { last } = await shop.call<Refusals>('GET', `/api/machines/${machineId}/refusals`);
  t.true(
    last.some(
      ({ code, topic }) => code === 'MQTT_TOPIC_FORBIDDEN' && topic === `${other.credential.topicPrefix}/event`,
    ),
  );
  t.true(last.some(({ code, excerpt }) => code === 'FLOOR_JSON_INVALID' && excerpt === '{broken'));
  const machine = await shop.call<Machine>('GET', `/api/machines/${machineId}`);
  t.is(machine.refusedCount, 6, 'the wrong clock is a mark, not a refusal');
  t.is((await shop.call<Machine>('GET', `/api/machines/${other.machine.machineId}`)).lastMessageAt, null);
});

test('a client that is no machine of the shop is listed with its reason', async (t) => {
  const { shop } = t.context;
  using events = await listenEvents(`${shop.api()}/api/events`, shop.cookie());
  const news = events.next('refusal.changed');
  const stranger = connect(shop.brokerUrl, {
    username: 'matriz.ninguem',
    clientId: 'matriz.ninguem',
    password: 'x',
    reconnectPeriod: 0,
  });
  await new Promise((resolve) => stranger.once('error', resolve));
  stranger.end(true);
  await news;
  const { last } = await shop.call<Refusals>('GET', '/api/refusals');
  t.true(last.some(({ code, username }) => code === 'MQTT_CREDENTIALS_INVALID' && username === 'matriz.ninguem'));
});

test('a machine that is unplugged is offline with the time, and online again when it returns', async (t) => {
  const { shop } = t.context;
  const registered = await shop.register('cabo');
  const { machineId } = registered.machine;
  using events = await listenEvents(`${shop.api()}/api/events`, shop.cookie());
  const told = (signal: Machine['signal']) =>
    events.next('machine.changed', (data: Machine) => data.machineId === machineId && data.signal === signal);
  const online = told('online');
  const client = await shop.connect(registered.credential);
  await publisher(client, registered)('state', { ts: Date.now(), state: 'running' });
  await online;
  const offline = told('offline');
  client.stream.destroy();
  const { signalSince } = (await offline).data as Machine;
  t.true(Math.abs(Date.now() - Number(signalSince)) < 5_000);
  const again = told('online');
  await shop.connect(registered.credential);
  await again;
  const { spans } = await shop.call<{ spans: { signal: boolean; state: string | null }[] }>(
    'GET',
    `/api/machines/${machineId}/states?from=${Date.now() - 60_000}&to=${Date.now()}`,
  );
  t.deepEqual(spans.map(({ signal, state }) => (signal ? state : 'gap')).slice(-3), ['running', 'gap', 'running']);
});

test('a replaced secret is refused at once and the new one works; a revoked machine is cut and shown so', async (t) => {
  const { shop } = t.context;
  const registered = await shop.register('troca');
  const { machineId } = registered.machine;
  const client = await shop.connect(registered.credential);
  const cut = closed(client);
  const rotated = await shop.call<MachineCredential>('POST', `/api/machines/${machineId}/credential`);
  await cut;
  t.not(rotated.credential.password, registered.credential.password);
  t.true(rotated.enforced);
  await t.throwsAsync(shop.connect(registered.credential), { message: /Not authorized|Bad username or password/ });
  const fresh = await shop.connect(rotated.credential);
  const cutAgain = closed(fresh);
  const revoked = await shop.call<RevokedMachine>('DELETE', `/api/machines/${machineId}/credential`);
  await cutAgain;
  t.true(revoked.enforced);
  t.is(revoked.signal, 'revoked');
  t.is(typeof revoked.credential.revokedAt, 'number');
  await t.throwsAsync(shop.connect(rotated.credential), { message: /Not authorized|Bad username or password/ });
});

test('a name is taken once, and only its people may register machines', async (t) => {
  const { shop } = t.context;
  await shop.register('unica');
  await t.throwsAsync(shop.register('unica'), { message: /409.*ALREADY_EXISTS/s });
  await t.throwsAsync(shop.register('Com Espaço'), { message: /422.*BODY_INVALID/s });
  const both = await Promise.allSettled([shop.register('corrida'), shop.register('corrida')]);
  t.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const stranger = await fetch(`${shop.api()}/api/machines`);
  t.is(stranger.status, 401);
  t.false(JSON.stringify(await shop.call('GET', '/api/machines')).includes('sha256'));
});

test('the log opens as a spreadsheet of Brazil', async (t) => {
  const { shop } = t.context;
  const registered = await shop.register('planilha');
  const up = publisher(await shop.connect(registered.credential), registered);
  await up('event', { ts: Date.now(), id: 'e', level: 'warn', code: 'x', text: '=1+1;"a"\nb' });
  const path = `/api/machines/${registered.machine.machineId}/log.csv`;
  const text = async () =>
    Buffer.from(
      await (await fetch(`${shop.api()}${path}`, { headers: { cookie: shop.cookie() } })).arrayBuffer(),
    ).toString();
  const file = await within(secondMs, text, (found) => found.includes('Evento'));
  t.true(file.startsWith('\ufeffData e hora;Relógio da máquina;Tipo;Nível;Código;Texto;Observação;Dados\r\n'));
  t.regex(file, /\r\n\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d;;Evento;Aviso;x;"'=1\+1;""a""\nb";;id=e\r\n/);
});

test('mosquitto_pub with the text that the screen shows reaches the log', async (t) => {
  const { shop } = t.context;
  const registered = await shop.register('mosquitto');
  const { username, clientId, password, host, port, topicPrefix } = registered.credential;
  const message = JSON.stringify({
    ts: new Date().toISOString(),
    id: 'm1',
    level: 'info',
    code: 'mosquitto',
    text: 'olá',
  });
  const options = ['-h', host, '-p', `${port}`, '-i', clientId, '-u', username, '-P', password, '-q', '1'];
  const run = promisify(execFile)('mosquitto_pub', [...options, '-t', `${topicPrefix}/event`, '-m', message]);
  const missing = await run.then(
    () => false,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return true;
      throw error;
    },
  );
  if (missing) {
    t.pass('mosquitto_pub is not installed here');
    return;
  }
  const log = () => shop.call<{ lines: LogLine[] }>('GET', `/api/machines/${registered.machine.machineId}/log`);
  const { lines } = await within(secondMs, log, (found) => found.lines.some(({ code }) => code === 'mosquitto'));
  t.true(lines.some(({ code, text }) => code === 'mosquitto' && text === 'olá'));
});
