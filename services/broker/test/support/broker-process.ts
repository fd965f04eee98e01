import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '@sgp/auth/digest';
import { adminToken, est, servicePassword } from './stand.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** The broker as its own process, which can be killed and started again on the same ports and data. */
export async function startBrokerProcess() {
  const folder = await mkdtemp(join(tmpdir(), 'sgp-broker-'));
  const accounts = ['_production-api', '_bridge', '_media-sync'];
  await writeFile(
    join(folder, 'accounts.json'),
    JSON.stringify(accounts.map((username) => ({ username, sha256: sha256Hex(servicePassword) }))),
  );
  await writeFile(join(folder, 'admin-token'), adminToken);
  let ports = { mqttPort: 0, wsPort: 0, httpPort: 0 };
  let child: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, [main], {
      // With the channel the broker ends when this process does, however that happens.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        PORT: String(ports.mqttPort),
        WS_PORT: String(ports.wsPort),
        HTTP_PORT: String(ports.httpPort),
        BROKER_DB_URL: `sqlite:${join(folder, 'broker.db')}`,
        EST: est,
        ACCOUNTS_FILE: join(folder, 'accounts.json'),
        ADMIN_TOKEN_FILE: join(folder, 'admin-token'),
      },
    });
    child = started;
    const listening = Promise.withResolvers<typeof ports>();
    createInterface({ input: started.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const entry = JSON.parse(line);
      if (entry.msg === 'listening') listening.resolve(entry);
      else if (entry.level >= 50) listening.reject(new Error(line));
    });
    ports = await listening.promise;
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  await start();
  return {
    start,
    /** `kill -9`: nothing is written or closed. */
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    get exitCode() {
      return child?.exitCode ?? null;
    },
    get url() {
      return `mqtt://127.0.0.1:${ports.mqttPort}`;
    },
    get port() {
      return ports.mqttPort;
    },
    get adminUrl() {
      return `http://127.0.0.1:${ports.httpPort}`;
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
