import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '@sgp/auth/digest';
import { anyNode, licenseService, signDocument } from '@sgp/auth/document';
import type { PrivateJwk } from '@sgp/auth/http-signature';
import { type NodeIdentity, nodeFiles } from '@sgp/auth/node-identity';
import { newSigningKey, publicSigningKey } from '@sgp/auth/signing-key';
import { connectBus } from '@sgp/service-kit/bus';
import { type Database, migrate, openDatabase } from '@sgp/service-kit/database';
import { newId, newSecret } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { type OrderSnapshot, orderSnapshotSchema } from '@sgp/shared/order-snapshot';
import type { SyncStatus } from '@sgp/shared/sync';
import { topics } from '@sgp/shared/topics';
import { productionMigrations } from '../../src/migrations/list.ts';
import { createHlcStore } from '../../src/outbox/hlc-store.ts';
import { createOutboxStore } from '../../src/outbox/outbox-store.ts';
import { freePort } from './process.ts';

/** An edge and its Core for the tests of the bridge: real processes, real databases, a link that can be cut. */

const root = fileURLToPath(new URL('../../../..', import.meta.url));
export const log = createLog('test', 'silent');
export const authority = 'mirror.example:443';
export const est = 'oficina';

/** Waits until `check` gives something; polls, because the other side is another process. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 20_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  while (true) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 1));
  }
}

export type Service = AsyncDisposable & {
  readonly child: ChildProcess;
  readonly output: () => string;
  kill(): Promise<void>;
};

/** Starts a service's main.ts and waits until it says that it is ready. */
export async function startService(
  entry: string,
  env: Record<string, string>,
  nodeArguments: readonly string[] = [],
): Promise<Service> {
  const child = spawn(process.execPath, [...nodeArguments, join(root, entry)], {
    cwd: root,
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'debug', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const first = await Promise.race([once(child, 'message').then(() => 'ready'), ended.then(() => 'ended')]);
  if (first !== 'ready') throw new Error(`${entry} ended before it was ready:\n${output}`);
  return { child, output: () => output, kill, [Symbol.asyncDispose]: kill };
}

export type Wire = AsyncDisposable & {
  readonly port: number;
  /** `cut`: nothing connects. `deaf`: requests arrive, answers are swallowed. */
  set(mode: 'open' | 'cut' | 'deaf'): void;
  /** Bytes that travelled towards the Core. */
  readonly sentBytes: number;
};

/** A TCP proxy towards `target`: the Internet of the test. */
export async function createWire(target: () => number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let mode: 'open' | 'cut' | 'deaf' = 'open';
  let sentBytes = 0;
  const server = createServer((near) => {
    if (mode === 'cut') return void near.destroy();
    const far = connect(target(), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk) => {
      sentBytes += chunk.length;
      far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (mode === 'deaf') near.destroy();
      else near.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      mode = next;
      if (next === 'cut') for (const socket of sockets) socket.destroy();
    },
    get sentBytes() {
      return sentBytes;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export type EdgeNode = Awaited<ReturnType<typeof createNode>>;

/** An enrolled node: its folder as enrolment leaves it, and its record as the license service tells it. */
export async function createNode(dir: string) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const privateJwk = privateKey.export({ format: 'jwk' }) as PrivateJwk;
  const { d: _, ...publicJwk } = privateJwk;
  const shortId = newSecret()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .slice(0, 12)
    .padEnd(12, '0');
  const apiKey = `npk_live_${shortId}_${newSecret()}`;
  const [nodeId, companyId, establishmentId, keyId] = [newId(), newId(), newId(), `nk_${shortId}`];
  const identity: NodeIdentity = {
    ...{ nodeId, shortId, apiKey, keyId, companyId, establishmentId, est },
    ...{ mirrorUrl: 'http://127.0.0.1:1', shopName: 'Oficina', timeZone: 'America/Sao_Paulo' },
  };
  await writeFile(join(dir, nodeFiles.identity), JSON.stringify(identity));
  await writeFile(join(dir, nodeFiles.key), JSON.stringify(privateJwk));
  const record: NodeRecord = {
    ...{ nodeId, shortId, companyId, establishmentId, status: 'active', licenceActive: true },
    apiKeyHashes: [sha256Hex(apiKey)],
    keys: [{ keyId, publicJwk }],
  };
  return { nodeId, shortId, companyId, establishmentId, keyId, apiKey, privateJwk, publicJwk, record };
}

/** Writes orders as the intranet does: stamp and outbox row in one transaction. */
export function createWriter(
  db: Database,
  node: Pick<EdgeNode, 'nodeId' | 'companyId' | 'establishmentId'>,
  now: () => number = Date.now,
) {
  const hlc = createHlcStore(node.nodeId, now);
  const outbox = createOutboxStore(now);
  const versions = new Map<string, number>();
  let number = 1000;
  return {
    async write(
      orderId: string = newId(),
      change: (snapshot: OrderSnapshot) => unknown = (snapshot) => snapshot,
    ): Promise<string> {
      const version = (versions.get(orderId) ?? 0) + 1;
      await db.transaction(async (tx) => {
        const updatedAt = await hlc.tick(tx);
        const snapshot = snapshotOf(node, { orderId, version, updatedAt, number: String(++number) });
        const payload = change(snapshot) as never;
        await outbox.append(tx, {
          stream: 'orders',
          entityId: orderId,
          version,
          parentVersion: version - 1,
          updatedAt,
          payload,
        });
      });
      versions.set(orderId, version);
      return orderId;
    },
    versions,
  };
}

export function snapshotOf(
  node: Pick<EdgeNode, 'nodeId' | 'companyId' | 'establishmentId'>,
  order: Pick<OrderSnapshot, 'orderId' | 'version' | 'updatedAt' | 'number'>,
): OrderSnapshot {
  const now = new Date().toISOString();
  return orderSnapshotSchema.parse({
    ...{
      schemaVersion: 1,
      companyId: node.companyId,
      establishmentId: node.establishmentId,
      originNodeId: node.nodeId,
    },
    ...order,
    customer: { customerId: newId(), firstName: 'Maria' },
    status: 'received',
    stage: { key: 'recebido', label: 'Recebido' },
    items: [{ itemId: newId(), description: 'Banner 3 × 1 m, lona 440 g, com ilhós', quantity: 2, unit: 'un' }],
    dates: { createdAt: now, promisedAt: now, promiseChanges: [] },
    timeline: [{ status: 'received', at: now }],
    money: { totalCents: 12_300, paidCents: 0, currency: 'BRL' },
    media: [],
    tracking: { tokenHash: sha256Hex(newSecret()), expiresAt: null },
    shop: { name: 'Oficina', phone: '+5511999990000', timeZone: 'America/Sao_Paulo' },
  });
}

/**
 * Answers what the mirror asks the license service about the node, and lists the mirror's sync key: the keyset goes into
 * the node's folder as a check-in would bring it.
 */
async function serveLicense(stack: AsyncDisposableStack, record: NodeRecord, nodeDir: string): Promise<string> {
  const root = await newSigningKey('root', Date.now());
  await writeFile(join(nodeDir, nodeFiles.roots), JSON.stringify({ keys: [publicSigningKey(root)] }));
  const listKey = async (key: object): Promise<void> => {
    const iat = Math.floor(Date.now() / 1000) - 60;
    const claims = { iss: licenseService, aud: anyNode, iat, exp: iat + 86_400, version: 1 };
    const keyset = await signDocument('keyset+jwt', { ...claims, keys: [{ ...key, purpose: 'sync' }] }, root);
    await writeFile(join(nodeDir, nodeFiles.keyset), keyset);
  };
  const server = createHttpServer(async (request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (request.url === `/v1/nodes/${record.shortId}`) return answer(200, record);
    if (request.method !== 'PUT' || request.url !== '/v1/keys/sync') return answer(404, {});
    const key = (await json(request)) as { kid: string };
    await listKey(key);
    answer(200, { kid: key.kid, keysetVersion: 1 });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close(() => undefined));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export type SyncWorld = Awaited<ReturnType<typeof createSyncWorld>>;

/** Broker, mirror and production.db; the bridge is started by the test. Everything is gone when the stack is. */
export async function createSyncWorld(stack: AsyncDisposableStack) {
  const dir = await mkdtemp(join(tmpdir(), 'sgp-bridge-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const secret = async (name: string, content = newSecret()): Promise<string> => {
    await writeFile(join(dir, name), content);
    return join(dir, name);
  };
  const node = await createNode(dir);
  const password = newSecret();
  const passwordFile = await secret('mqtt', password);
  const accounts = ['_production-api', '_bridge', '_broker', '_media-sync'].map((username) => ({
    username,
    sha256: createHash('sha256').update(password).digest('hex'),
  }));

  const brokerPort = await freePort();
  stack.use(
    await startService('services/broker/src/main.ts', {
      ...{ PORT: String(brokerPort), WS_PORT: '0', HTTP_PORT: '0', EST: est, BROKER_DB_URL: `sqlite:${dir}/broker.db` },
      ACCOUNTS_FILE: await secret('accounts', JSON.stringify(accounts)),
      ADMIN_TOKEN_FILE: await secret('admin'),
    }),
  );
  const brokerUrl = `mqtt://127.0.0.1:${brokerPort}`;
  const licenseUrl = await serveLicense(stack, node.record, dir);
  const mirrorPort = await freePort();
  const mirrorEnv = {
    ...{ PORT: String(mirrorPort), MIRROR_DB_URL: `sqlite:${dir}/mirror.db`, MEDIA_DIR: join(dir, 'media') },
    ...{ MIRROR_AUTHORITY: authority, PUBLIC_URL: 'http://127.0.0.1', LICENSE_URL: licenseUrl },
    SYNC_KEY_DIR: join(dir, 'sync-key'),
    LICENSE_SERVICE_TOKEN_FILE: await secret('license-token'),
    MEDIA_URL_SECRET_FILE: await secret('media-secret'),
  };
  const startMirror = () => startService('services/vps-mirror/src/main.ts', mirrorEnv);
  let mirror = stack.use(await startMirror());
  const wire = stack.use(await createWire(() => mirrorPort));

  const db = openDatabase(`sqlite:${dir}/production.db`, { durability: 'full' });
  stack.defer(() => db.destroy());
  await migrate(db, productionMigrations);
  const mirrorDb = openDatabase(`sqlite:${dir}/mirror.db`, { durability: 'normal' });
  stack.defer(() => mirrorDb.destroy());

  const startBridge = async (
    nodeArguments: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<Service> => {
    const bridge = await startService(
      'services/production-api/src/bridge/main.ts',
      {
        ...{ PORT: '0', PRODUCTION_DB_URL: `sqlite:${dir}/production.db`, NODE_DIR: dir, BROKER_URL: brokerUrl },
        ...{
          MQTT_PASSWORD_FILE: passwordFile,
          MIRROR_URL: `http://127.0.0.1:${wire.port}`,
          MIRROR_AUTHORITY: authority,
        },
        ...env,
      },
      nodeArguments,
    );
    stack.use(bridge);
    return bridge;
  };

  const bus = stack.use(connectBus({ url: brokerUrl, service: 'production-api', password, est, log }));
  const statuses: SyncStatus[] = [];
  await bus.subscribe(topics.syncStatus(est), (_topic, message) => statuses.push(message as SyncStatus));

  return {
    node,
    dir,
    db,
    mirrorDb,
    /** Ends the mirror, does what only then can be done, and starts it again. */
    async whileMirrorIsDown(work: () => Promise<void>): Promise<void> {
      await mirror.kill();
      await work();
      mirror = stack.use(await startMirror());
    },
    wire,
    mirrorUrl: `http://127.0.0.1:${mirrorPort}`,
    bus,
    statuses,
    startBridge,
    writer: createWriter(db, node),
    /** Writes an edit of a shared entity, as the intranet does. */
    async say(stream: 'blocks', entityId: string): Promise<void> {
      const hlc = createHlcStore(node.nodeId);
      await db.transaction(async (tx) => {
        const [editId, at] = [newId(), await hlc.tick(tx)];
        const fields = {
          subject: { value: 'customer', saw: null },
          blocked: { value: true, saw: null },
          reason: { value: 'não pagou', saw: null },
        };
        const payload = { editId, kind: 'block', entityId, at, who: 'Ana', fields };
        const change = { stream, entityId: editId, version: 1, parentVersion: 0, updatedAt: at, payload };
        await createOutboxStore().append(tx, change);
      });
    },
    ring: () => bus.publish(topics.outbox(est), { seq: 1 }),
  };
}

/** Orders on both sides as `id → version, hash`: equal when the sync did its work. */
export async function mirrorOrders({ mirrorDb }: Pick<SyncWorld, 'mirrorDb'>): Promise<Map<string, number>> {
  const rows = await mirrorDb('orders').select('order_id', 'version');
  return new Map(rows.map((row) => [row.order_id, row.version]));
}
