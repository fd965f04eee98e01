import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anyNode, licenseService, signDocument } from '@sgp/auth/document';
import { nodeFiles } from '@sgp/auth/node-identity';
import { newSigningKey, publicSigningKey } from '@sgp/auth/signing-key';
import { connectBus } from '@sgp/service-kit/bus';
import { type Database, migrate, openDatabase } from '@sgp/service-kit/database';
import { newSecret } from '@sgp/service-kit/ids';
import type { SyncStatus } from '@sgp/shared/sync';
import { topics } from '@sgp/shared/topics';
import { productionMigrations } from '../../../services/production-api/src/migrations/list.ts';
import { freePort } from '../../../services/production-api/test/support/process.ts';
import {
  authority,
  createNode,
  createWriter,
  type EdgeNode,
  est,
  log,
  type Service,
  startService,
  until,
} from '../../../services/production-api/test/support/sync-world.ts';
import { freshPostgres } from '../../../services/vps-mirror/test/support/databases.ts';
import { startLicenseServer } from '../../../services/vps-mirror/test/support/license-server.ts';
import { createFaultLine, createRandom } from './fault-line.ts';

/** Broker, mirror on PostgreSQL, production-api and bridge on production.db: real processes, over a line that fails as a test says. */

export { until };

export const operatorToken = 'operator-token-of-these-tests-0123456789';

/** A process that is killed and started again. */
export type Restartable = {
  kill(): Promise<void>;
  /** Kills what still runs, and starts it anew. */
  start(nodeArguments?: readonly string[]): Promise<Service>;
  readonly output: () => string;
};

function restartable(
  stack: AsyncDisposableStack,
  launch: (nodeArguments: readonly string[]) => Promise<Service>,
): Restartable {
  let running: Service | undefined;
  let given: readonly string[] = [];
  const kill = async (): Promise<void> => running?.kill();
  stack.defer(kill);
  return {
    kill,
    async start(nodeArguments = given) {
      await running?.kill();
      given = nodeArguments;
      running = await launch(nodeArguments);
      return running;
    },
    output: () => running?.output() ?? '',
  };
}

/** The keys of the Core: its sync key, and a list of keys that the node trusts. */
async function installKeys(syncKeyDir: string, nodeDir: string): Promise<void> {
  const nowMs = Date.now();
  const [root, sync] = [await newSigningKey('root', nowMs), await newSigningKey('sync', nowMs)];
  await mkdir(syncKeyDir);
  await writeFile(join(syncKeyDir, 'sync.jwk'), JSON.stringify(sync), { mode: 0o600 });
  await writeFile(join(nodeDir, nodeFiles.roots), JSON.stringify({ keys: [publicSigningKey(root)] }));
  const iat = Math.floor(nowMs / 1000);
  const keys = [{ ...publicSigningKey(sync), purpose: 'sync' }];
  const claims = { iss: licenseService, aud: anyNode, iat, exp: iat + 10 * 86_400, version: 2, keys };
  await writeFile(join(nodeDir, nodeFiles.keyset), await signDocument('keyset+jwt', claims, root));
}

/** production.db as the intranet opens it, and who writes orders into it. */
export async function openEdge(stack: AsyncDisposableStack, path: string, node: EdgeNode, now?: () => number) {
  const db = openDatabase(`sqlite:${path}`, { durability: 'full' });
  stack.defer(() => db.destroy());
  await migrate(db, productionMigrations);
  return { db, writer: createWriter(db, node, now) };
}

export type FaultWorld = Awaited<ReturnType<typeof createFaultWorld>>;

export type WorldOptions = {
  /** A PostgreSQL of the test's own, which it may kill. */
  readonly postgresUrl?: string;
  /** Folder of production.db, when it is to be a disk of its own. */
  readonly edgeDir?: string;
  /** The wall clock of who writes, in milliseconds. */
  readonly now?: () => number;
};

/** Everything but the bridge runs; all of it is gone when the stack is. */
export async function createFaultWorld(stack: AsyncDisposableStack, options: WorldOptions = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'sgp-fault-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const edgeDir = options.edgeDir ?? dir;
  const secret = async (name: string, content = newSecret()): Promise<string> => {
    await writeFile(join(dir, name), content);
    return join(dir, name);
  };
  const node = await createNode(dir);
  await installKeys(join(dir, 'sync-key'), dir);
  const license = stack.use(await startLicenseServer());
  license.records.set(node.shortId, node.record);

  const password = newSecret();
  const passwordFile = await secret('mqtt', password);
  const sha256 = createHash('sha256').update(password).digest('hex');
  const accounts = ['_production-api', '_bridge', '_broker', '_media-sync'].map((username) => ({ username, sha256 }));
  const [brokerPort, mirrorPort] = [await freePort(), await freePort()];
  const brokerUrl = `mqtt://127.0.0.1:${brokerPort}`;
  const brokerEnv = {
    ...{ PORT: String(brokerPort), WS_PORT: '0', HTTP_PORT: '0', EST: est, BROKER_DB_URL: `sqlite:${dir}/broker.db` },
    ACCOUNTS_FILE: await secret('accounts', JSON.stringify(accounts)),
    ADMIN_TOKEN_FILE: await secret('admin'),
  };
  const mirrorUrlOfDb = options.postgresUrl ?? stack.use(await freshPostgres(dir)).url;
  const mirrorEnv = {
    ...{ PORT: String(mirrorPort), MIRROR_DB_URL: mirrorUrlOfDb, MEDIA_DIR: join(dir, 'media') },
    ...{ MIRROR_AUTHORITY: authority, PUBLIC_URL: 'http://127.0.0.1', LICENSE_URL: license.url },
    SYNC_KEY_DIR: join(dir, 'sync-key'),
    LICENSE_SERVICE_TOKEN_FILE: await secret('license-token', license.serviceToken),
    MEDIA_URL_SECRET_FILE: await secret('media-secret'),
    OPERATOR_TOKEN_FILE: await secret('operator-token', operatorToken),
  };
  const mirror = restartable(stack, (args) => startService('services/vps-mirror/src/main.ts', mirrorEnv, args));
  const broker = startService('services/broker/src/main.ts', brokerEnv);
  const line = stack.use(await createFaultLine(() => mirrorPort, createRandom()));
  const { db, writer } = await openEdge(stack, join(edgeDir, 'production.db'), node, options.now);
  const mirrorDb = openDatabase(mirrorUrlOfDb, { durability: 'full' });
  stack.defer(() => mirrorDb.destroy());
  await mirror.start();
  stack.use(await broker);

  const apiPort = await freePort();
  const adminTokenFile = await secret('broker-admin');
  /** The intranet's service on a disk; it is one address whatever disk it runs on. */
  const apiOn = (folder: string): Restartable =>
    restartable(stack, (args) =>
      startService(
        'services/production-api/src/main.ts',
        {
          ...{ PORT: String(apiPort), PRODUCTION_DB_URL: `sqlite:${folder}/production.db`, NODE_DIR: dir },
          ...{ TELEMETRY_DB_URL: `sqlite:${dir}/telemetry.db`, MEDIA_DIR: join(dir, 'edge-media') },
          ...{ BROKER_URL: brokerUrl, MQTT_PASSWORD_FILE: passwordFile, TRACKING_BASE_URL: 'http://127.0.0.1' },
          ...{ BROKER_ADMIN_URL: 'http://127.0.0.1:1', BROKER_ADMIN_TOKEN_FILE: adminTokenFile },
        },
        args,
      ),
    );
  /** A bridge on a copy of the disk; `world.bridge` is the one on the disk itself. */
  const bridgeOn = (folder: string): Restartable =>
    restartable(stack, (args) =>
      startService(
        'services/production-api/src/bridge/main.ts',
        {
          ...{ PORT: '0', PRODUCTION_DB_URL: `sqlite:${folder}/production.db`, NODE_DIR: dir, BROKER_URL: brokerUrl },
          ...{ MQTT_PASSWORD_FILE: passwordFile, MIRROR_AUTHORITY: authority },
          MIRROR_URL: `http://127.0.0.1:${line.port}`,
        },
        args,
      ),
    );
  // The name of a service that does not run here: two connections of one name would push each other out.
  const bus = stack.use(connectBus({ url: brokerUrl, service: 'media-sync', password, est, log }));
  const statuses: SyncStatus[] = [];
  await bus.subscribe(topics.syncStatus(est), (_topic, message) => statuses.push(message as SyncStatus));
  return {
    ...{ dir, edgeDir, node, db, mirrorDb, line, mirror, statuses, writer, bridgeOn, apiOn },
    apiUrl: `http://127.0.0.1:${apiPort}`,
    mirrorUrl: `http://127.0.0.1:${mirrorPort}`,
    bridge: bridgeOn(edgeDir),
    api: apiOn(edgeDir),
    ring: () => bus.publish(topics.outbox(est), { seq: 1 }),
    status: (what: string, holds: (status: SyncStatus) => boolean, withinMs?: number): Promise<SyncStatus> =>
      until(what, () => statuses.at(-1) && holds(statuses.at(-1) as SyncStatus) && statuses.at(-1), withinMs),
  };
}

type Sides = { readonly db: Database; readonly mirrorDb: Database };

export const countOf = async (db: Database, table: string): Promise<number> =>
  Number((await db(table).count({ n: '*' }).first())?.['n']);

/** Orders as `id → version/hash`: what the edge last said, and what the mirror holds. */
export async function ordersOf({ db, mirrorDb }: Sides) {
  const asMap = (rows: readonly { id: string; version: number; hash: string }[]): Map<string, string> =>
    new Map(rows.map(({ id, version, hash }) => [id, `${version}/${hash}`]));
  const edge = db('sync_entities').where({ stream: 'orders' }).select({ id: 'entity_id' }, 'version', 'hash');
  const mirror = mirrorDb('orders').select({ id: 'order_id' }, 'version', 'hash');
  return { edge: asMap(await edge.orderBy('entity_id')), mirror: asMap(await mirror.orderBy('order_id')) };
}

export const queueIsEmpty = (world: Pick<FaultWorld, 'db'>, withinMs?: number): Promise<unknown> =>
  until('the queue of the edge is empty', async () => (await countOf(world.db, 'outbox')) === 0, withinMs);

/** Load: keeps writing orders, new ones and new versions, until it is stopped; tells what was accepted. */
export function startWriting(world: Pick<FaultWorld, 'writer' | 'ring'>, everyMs = 5) {
  const mine: string[] = [];
  let working = true;
  const done = (async () => {
    for (let n = 0; working; n += 1) {
      const again = n % 3 === 2 ? mine[Math.floor(n / 3)] : undefined;
      mine.push(await world.writer.write(again));
      // A doorbell: the bridge looks by itself as well.
      await world.ring().catch(() => undefined);
      // The line runs in this process too.
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return {
    accepted: () => mine.length,
    async stop() {
      working = false;
      await done;
    },
  };
}
