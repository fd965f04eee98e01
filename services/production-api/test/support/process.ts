import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { writeNodeFolder } from './node-folder.ts';

export type ShopFolder = {
  readonly dir: string;
  readonly productionDb: string;
  readonly telemetryDb: string;
  readonly mediaDir: string;
  readonly nodeDir: string;
  readonly nodeId: string;
  readonly est: string;
};

/** A data folder as the launcher prepares it. */
export async function makeShopFolder(dir: string): Promise<ShopFolder> {
  const nodeDir = join(dir, 'node');
  const { nodeId, est } = await writeNodeFolder(nodeDir);
  await mkdir(join(dir, 'secrets'));
  for (const name of ['mqtt', 'admin']) await writeFile(join(dir, 'secrets', name), `${name}-secret`);
  return {
    dir,
    productionDb: join(dir, 'production.db'),
    telemetryDb: join(dir, 'telemetry.db'),
    mediaDir: join(dir, 'media'),
    nodeDir,
    nodeId,
    est,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export type ApiProcess = { readonly url: string; readonly child: ChildProcess; kill(): Promise<void> };

/** Starts a real production-api process and waits until it is ready; killed with the stack. */
export async function startApi(
  stack: AsyncDisposableStack,
  folder: ShopFolder,
  brokerUrl: string,
  extra: Readonly<Record<string, string>> = {},
): Promise<ApiProcess> {
  const port = await freePort();
  const child = fork(new URL('../../src/main.ts', import.meta.url), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
    env: {
      PATH: process.env['PATH'],
      LOG_LEVEL: 'error',
      PORT: String(port),
      PRODUCTION_DB_URL: `sqlite:${folder.productionDb}`,
      TELEMETRY_DB_URL: `sqlite:${folder.telemetryDb}`,
      MEDIA_DIR: folder.mediaDir,
      NODE_DIR: folder.nodeDir,
      BROKER_URL: brokerUrl,
      MQTT_PASSWORD_FILE: join(folder.dir, 'secrets', 'mqtt'),
      BROKER_ADMIN_URL: 'http://127.0.0.1:1',
      BROKER_ADMIN_TOKEN_FILE: join(folder.dir, 'secrets', 'admin'),
      TRACKING_BASE_URL: 'http://127.0.0.1:7001',
      ...extra,
    },
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  stack.defer(kill);
  const ready = await Promise.race([once(child, 'message').then(() => true), once(child, 'exit').then(() => false)]);
  if (!ready) throw new Error(`production-api ended with ${child.exitCode} before it was ready`);
  return { url: `http://127.0.0.1:${port}`, child, kill };
}
