import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { MachineCredential } from '@sgp/shared/api/machines';
import { uuidV7 } from '@sgp/shared/uuid';
import { connectAsync, type MqttClient } from 'mqtt';

export type Process = { readonly child: ChildProcess; readonly ports: Readonly<Record<string, number>> };

/** A broker and a production-api as real processes on free ports, with a signed-in owner: the floor without the Core. */
export type FloorShop = {
  readonly est: string;
  readonly dir: string;
  readonly brokerUrl: string;
  api(): string;
  cookie(): string;
  /** Calls the API as the owner. @throws Error with status and body when it refuses */
  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  register(slug: string, name?: string): Promise<MachineCredential>;
  /** A machine's connection with its own credential. */
  connect(credential: MachineCredential['credential']): Promise<MqttClient>;
  readonly processes: { readonly broker: Process; production: Process };
  /** Ends the broker without a word; it comes back under the same addresses. */
  killBroker(): Promise<void>;
  startBroker(): Promise<void>;
  /** Ends the production-api without a word. */
  killProduction(): Promise<void>;
  startProduction(): Promise<void>;
};

/** A second on a quiet machine; tests share theirs with others. */
const readyMaxMs = 60_000;

/** Runs one service; resolves with the ports of the log line that says it is ready. */
async function start(script: string, env: Record<string, string>, ready: string): Promise<Process> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    env: { PATH: process.env['PATH'], ...env },
    // The channel ends with this process, and the service with the channel: nothing is left behind.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const found = Promise.withResolvers<Record<string, number>>();
  const said: string[] = [];
  createInterface({ input: child.stdout as Readable }).on('line', (line) => {
    if (said.push(line) > 50) said.shift();
    if (process.env['FLOOR_SHOP_LOG']) process.stderr.write(`${line}\n`);
    if (line.includes(`"msg":"${ready}"`)) found.resolve(JSON.parse(line));
  });
  child.once('exit', (code) => found.reject(new Error(`${script} ended with ${code}:\n${said.join('\n')}`)));
  const timer = setTimeout(() => found.reject(new Error(`${script} is not ready:\n${said.join('\n')}`)), readyMaxMs);
  try {
    return { child, ports: await found.promise };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function stop({ child }: Process, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Writes what enrolment would have left: an identity is all that the floor reads of it. */
function writeIdentity(nodeDir: string, est: string): void {
  const id = (): string => uuidV7(Date.now(), randomBytes(10));
  mkdirSync(nodeDir, { recursive: true });
  const identity = {
    nodeId: id(),
    shortId: 'abcdefghijkl',
    companyId: id(),
    establishmentId: id(),
    est,
    shopName: 'Fio & Ponto',
    timeZone: 'America/Sao_Paulo',
    keyId: 'nk_test',
    apiKey: `npk_live_abcdefghijkl_${randomBytes(32).toString('base64url')}`,
    mirrorUrl: 'http://127.0.0.1:9',
  };
  writeFileSync(join(nodeDir, 'identity.json'), JSON.stringify(identity), { mode: 0o600 });
}

export async function startFloorShop(
  stack: AsyncDisposableStack,
  options: { readonly productionEnv?: Record<string, string> } = {},
): Promise<FloorShop> {
  const est = 'matriz';
  const dir = mkdtempSync(join(tmpdir(), 'sgp-floor-'));
  stack.defer(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  const secret = (): string => randomBytes(24).toString('base64url');
  const password = secret();
  const adminToken = secret();
  const sha256 = createHash('sha256').update(password).digest('hex');
  const accounts = ['_broker', '_production-api', '_bridge', '_media-sync'].map((username) => ({ username, sha256 }));
  writeFileSync(join(dir, 'accounts.json'), JSON.stringify(accounts));
  writeFileSync(join(dir, 'password'), password);
  writeFileSync(join(dir, 'admin-token'), adminToken);
  writeIdentity(join(dir, 'node'), est);

  const startBroker = (ports: Process['ports'] = {}): Promise<Process> =>
    start(
      'services/broker/src/main.ts',
      {
        PORT: String(ports['mqttPort'] ?? 0),
        WS_PORT: String(ports['wsPort'] ?? 0),
        HTTP_PORT: String(ports['httpPort'] ?? 0),
        EST: est,
        BROKER_DB_URL: `sqlite:${dir}/broker.db`,
        ACCOUNTS_FILE: `${dir}/accounts.json`,
        ADMIN_TOKEN_FILE: `${dir}/admin-token`,
      },
      'listening',
    );
  let broker = await startBroker();
  stack.defer(() => stop(broker, 'SIGTERM'));
  const brokerUrl = `mqtt://127.0.0.1:${broker.ports['mqttPort']}`;
  const startProcess = (): Promise<Process> =>
    start(
      'services/production-api/src/main.ts',
      {
        PORT: '0',
        PRODUCTION_DB_URL: `sqlite:${dir}/production.db`,
        TELEMETRY_DB_URL: `sqlite:${dir}/telemetry.db`,
        MEDIA_DIR: `${dir}/media`,
        NODE_DIR: `${dir}/node`,
        BROKER_URL: brokerUrl,
        MQTT_PASSWORD_FILE: `${dir}/password`,
        BROKER_ADMIN_URL: `http://127.0.0.1:${broker.ports['httpPort']}`,
        BROKER_ADMIN_TOKEN_FILE: `${dir}/admin-token`,
        MACHINE_BROKER_PORT: String(broker.ports['mqttPort']),
        TRACKING_BASE_URL: 'http://127.0.0.1:9',
        ...options.productionEnv,
      },
      'production-api ready',
    );
  const processes: FloorShop['processes'] = {
    get broker() {
      return broker;
    },
    production: await startProcess(),
  };
  stack.defer(() => stop(processes.production, 'SIGTERM'));
  const api = (): string => `http://127.0.0.1:${processes.production.ports['port']}`;
  let cookie = '';
  const call = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${api()}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(cookie && { cookie }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  };
  await call('POST', '/api/setup/owner', {
    name: 'Rosana Klein',
    login: 'rosana',
    password: 'uma senha bem comprida',
    shopName: 'Fio & Ponto',
  });
  return {
    est,
    dir,
    brokerUrl,
    api,
    cookie: () => cookie,
    call,
    register: (slug, name = `Máquina ${slug}`) => call('POST', '/api/machines', { name, slug }),
    async connect({ username, clientId, password: secretText }) {
      const client = await connectAsync(brokerUrl, { username, clientId, password: secretText, reconnectPeriod: 0 });
      stack.defer(() => client.endAsync(true));
      return client;
    },
    processes,
    killBroker: () => stop(broker, 'SIGKILL'),
    async startBroker() {
      broker = await startBroker(broker.ports);
    },
    killProduction: () => stop(processes.production, 'SIGKILL'),
    async startProduction() {
      processes.production = await startProcess();
    },
  };
}
