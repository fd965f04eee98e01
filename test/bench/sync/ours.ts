import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { migrate, openDatabase } from '@sgp/service-kit/database';
import { newSecret } from '@sgp/service-kit/ids';
import { type OrderSnapshot, orderSnapshotSchema } from '@sgp/shared/order-snapshot';
import { startPostgres } from '../../../infra/test/postgres.ts';
import { productionMigrations } from '../../../services/production-api/src/migrations/list.ts';
import { createHlcStore } from '../../../services/production-api/src/outbox/hlc-store.ts';
import { createOutboxStore } from '../../../services/production-api/src/outbox/outbox-store.ts';
import {
  authority,
  createNode,
  type EdgeNode,
  startService,
} from '../../../services/production-api/test/support/sync-world.ts';
import { startCountingProxy } from './counting-proxy.ts';
import type { DrainSubject } from './drain.ts';
import { freePort, tempDir, until } from './peer-process.ts';
import { createWarmUp, type Snapshot, type Workload } from './workload.ts';

/** Changes written in one transaction while the shop is offline; how many does not matter for the drain. */
const perTransaction = 500;

/** The bridge and the mirror as they run: signed batches of the newest versions, into PostgreSQL. */
export const oursOver = (roundTripMs: number): DrainSubject => ({
  name: roundTripMs === 0 ? 'SGP bridge → mirror' : `SGP bridge → mirror, ${roundTripMs} ms round trip`,
  setup:
    'in work before the outage, signed and verified, SQLite fsync on in the shop, PostgreSQL 18 fsync on at the mirror, newest version of each order',
  missing: () => null,
  async run(workload) {
    await using stack = new AsyncDisposableStack();
    const dir = tempDir(stack);
    const node = await createNode(dir);
    // The server of the tests does not wait for the disk; this one does, as in the field.
    const postgres = await startPostgres([]);
    stack.defer(() => postgres.stop());
    const mirrorPort = await freePort();
    const secret = async (name: string): Promise<string> => {
      await writeFile(join(dir, name), newSecret());
      return join(dir, name);
    };
    stack.use(
      await startService('services/vps-mirror/src/main.ts', {
        ...{ PORT: String(mirrorPort), MIRROR_DB_URL: postgres.url, MEDIA_DIR: join(dir, 'media'), LOG_LEVEL: 'warn' },
        ...{ MIRROR_AUTHORITY: authority, PUBLIC_URL: 'http://127.0.0.1', LICENSE_URL: await serveRecord(stack, node) },
        ...{ SYNC_KEY_DIR: join(dir, 'sync-key'), LICENSE_SERVICE_TOKEN_FILE: await secret('license-token') },
        MEDIA_URL_SECRET_FILE: await secret('media-secret'),
      }),
    );
    const proxy = stack.use(await startCountingProxy(mirrorPort, roundTripMs / 2));
    const db = openDatabase(`sqlite:${dir}/production.db`, { durability: 'full' });
    stack.defer(() => db.destroy());
    await migrate(db, productionMigrations);
    const writer = createWriter(db, node);
    await proxy.open();
    stack.use(
      await startService('services/production-api/src/bridge/main.ts', {
        ...{ PORT: '0', PRODUCTION_DB_URL: `sqlite:${dir}/production.db`, NODE_DIR: dir, LOG_LEVEL: 'warn' },
        // Nobody listens there: the bridge polls, as it does without a broker.
        ...{ BROKER_URL: `mqtt://127.0.0.1:${await freePort()}`, MQTT_PASSWORD_FILE: await secret('mqtt') },
        ...{ MIRROR_URL: `http://127.0.0.1:${proxy.port}`, MIRROR_AUTHORITY: authority },
      }),
    );
    const acknowledged = () =>
      until('everything is acknowledged', async () => (await db('outbox').count({ n: '*' }).first())?.['n'] === 0);
    const warmUp = createWarmUp();
    await writer.write(warmUp);
    await acknowledged();
    await proxy.shut();
    await writer.write(workload);
    await proxy.open();
    await acknowledged();
    const endedAt = Date.now();
    const { firstAt, bytesUp, bytesDown } = await proxy.counted();
    const mirror = openDatabase(postgres.url, { durability: 'full' });
    const arrived = await mirror('orders').where({ version: workload.revisions }).count({ n: '*' }).first();
    await mirror.destroy();
    if (Number(arrived?.['n']) !== workload.orders) throw new Error(`${arrived?.['n']} orders arrived`);
    return { drainMs: endedAt - (firstAt ?? endedAt), bytesUp, bytesDown, arrived: workload.orders };
  },
});

function createWriter(db: ReturnType<typeof openDatabase>, node: EdgeNode) {
  const hlc = createHlcStore(node.nodeId);
  const outbox = createOutboxStore();
  const write = async ({ snapshots }: Workload): Promise<void> => {
    for (let start = 0; start < snapshots.length; start += perTransaction)
      await db.transaction(async (tx) => {
        for (const snapshot of snapshots.slice(start, start + perTransaction)) {
          const { orderId: entityId, version } = snapshot;
          const updatedAt = await hlc.tick(tx);
          const payload = orderOf(node, snapshot, updatedAt) as never;
          const parentVersion = version - 1;
          await outbox.append(tx, { stream: 'orders', entityId, version, parentVersion, updatedAt, payload });
        }
      });
  };
  return { write };
}

/** The workload's snapshot as an order of this establishment. */
function orderOf(node: EdgeNode, { payload }: Snapshot, updatedAt: OrderSnapshot['updatedAt']): OrderSnapshot {
  const { customer, items, timeline, tracking, ...rest } = JSON.parse(payload);
  return orderSnapshotSchema.parse({
    ...rest,
    ...{ companyId: node.companyId, establishmentId: node.establishmentId, originNodeId: node.nodeId, updatedAt },
    customer: { customerId: customer.customerId, firstName: customer.firstName },
    status: 'received',
    items: items.map((item: object, n: number) => ({ itemId: `0190000${n}-0000-7000-8000-000000000001`, ...item })),
    dates: { createdAt: rest.dates.createdAt, promisedAt: rest.dates.promisedAt, promiseChanges: [] },
    timeline: timeline.map(({ at }: { at: string }) => ({ status: 'received', at })),
    media: [],
    tracking: { tokenHash: tracking.tokenHash.padEnd(64, '0'), expiresAt: null },
    shop: { name: 'Oficina', phone: '+5511999990000', timeZone: 'America/Sao_Paulo' },
  });
}

/** Answers what the mirror asks the license service about the node. */
async function serveRecord(stack: AsyncDisposableStack, { record, shortId }: EdgeNode): Promise<string> {
  const server = createServer((request, response) => {
    const known = request.url === `/v1/nodes/${shortId}`;
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? record : {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
