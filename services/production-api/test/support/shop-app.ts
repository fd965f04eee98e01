import { join } from 'node:path';
import type { NodeIdentity } from '@sgp/auth/node-identity';
import { type Bus, connectBus } from '@sgp/service-kit/bus';
import { createBusConsumer } from '@sgp/service-kit/bus-consumer';
import type { Database } from '@sgp/service-kit/database';
import { listen } from '@sgp/service-kit/http-server';
import { newId } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import { createMetrics } from '@sgp/service-kit/metrics';
import type { Route } from '@sgp/service-kit/route';
import { createEventHub } from '@sgp/service-kit/sse';
import type { Customer, Order } from '@sgp/shared/api/orders';
import { topics } from '@sgp/shared/topics';
import { createProductionApp } from '../../src/app.ts';
import { bundleRoutes } from '../../src/bundle/bundle-routes.ts';
import { createBundleDesk } from '../../src/bundle/bundle-service.ts';
import { openBundles } from '../../src/bundle/open-bundles.ts';
import { openProductionDb, openTelemetryDb } from '../../src/db.ts';
import { openDownInbox } from '../../src/inbox/open-down-inbox.ts';
import { openMachines } from '../../src/machines/open-machines.ts';
import { type MediaFiles, openMediaFiles } from '../../src/media/media-files.ts';
import { createLicenceReader } from '../../src/shop/licence-reader.ts';
import { watchServices } from '../../src/shop/service-watch.ts';
import { openShop, type ShopDomain } from '../../src/shop.ts';
import { createPageFacts } from '../../src/sync/page-facts.ts';
import { createParkedDown } from '../../src/sync/parked-down.ts';
import { createParkedStore } from '../../src/sync/parked-store.ts';
import { syncRoutes } from '../../src/sync/sync-routes.ts';
import { createSyncStore } from '../../src/sync/sync-store.ts';
import { createSyncWatch } from '../../src/sync/sync-watch.ts';
import { createTrailStore } from '../../src/sync/trail-store.ts';
import { type Browser, openBrowser } from './browser.ts';
import { writeNodeFolder } from './node-folder.ts';
import { openShopBroker, type ShopBroker } from './shop-broker.ts';
import { tempDir } from './temp-dir.ts';

export type ShopApp = {
  readonly url: string;
  readonly dir: string;
  readonly db: Database;
  readonly domain: ShopDomain;
  readonly files: MediaFiles;
  readonly routes: readonly Route[];
  readonly identity: NodeIdentity;
  readonly broker: ShopBroker;
  readonly bus: Bus;
};

export const owner = { name: 'Ana', login: 'ana', password: 'uma senha bem comprida' } as const;

/** The whole service in this process, as main.ts wires it, over fresh databases, a real broker and real HTTP. */
export async function openShopApp(
  stack: AsyncDisposableStack,
  options: { readonly productionDb?: string; readonly webDir?: string } = {},
): Promise<ShopApp> {
  const dir = await tempDir(stack);
  const nodeDir = join(dir, 'node');
  const identity = await writeNodeFolder(nodeDir);
  const { est, nodeId } = identity;
  const broker = await openShopBroker(stack);
  const log = createLog('production-api', 'silent');
  const metrics = createMetrics('production-api');
  const productionDb = options.productionDb ?? `sqlite:${join(dir, 'production.db')}`;
  const db = stack.adopt(await openProductionDb(productionDb), (open) => open.destroy());
  const telemetryDb = stack.adopt(await openTelemetryDb(`sqlite:${join(dir, 'telemetry.db')}`), (open) =>
    open.destroy(),
  );
  const files = await openMediaFiles(join(dir, 'media'));
  const bus = stack.use(connectBus({ url: broker.url, service: 'production-api', password: 'p', est, log }));
  const hub = stack.use(createEventHub());
  const trackingBaseUrl = 'https://pedidos.example';
  const domain = await openShop(stack, { db, identity, bus, hub, files, trackingBaseUrl, log, metrics });
  const sync = stack.use(
    createSyncWatch({
      bus,
      est,
      onStatus(status) {
        domain.hub.send('sync.status', status);
        domain.news.heard(status);
      },
      now: Date.now,
    }),
  );
  const services = watchServices({
    bus,
    est,
    onChanged: () => domain.hub.send('services.changed', { at: Date.now() }),
  });
  const consumer = stack.use(
    createBusConsumer({
      url: broker.url,
      username: '_production-api',
      clientId: '_production-api:media',
      password: 'p',
      filters: [topics.mediaPublished(est)],
      maxBatchMessages: 100,
      maxDelayMs: 5,
      maxHeldMessages: 1_000,
      maxHeldBytes: 1_000_000,
      commit: domain.mediaOutcomes,
      log,
    }),
  );
  const machines = await openMachines(stack, {
    db,
    telemetryDb,
    bus,
    hub,
    est,
    timeZone: domain.timeZone,
    brokerUrl: broker.url,
    mqttPassword: 'p',
    brokerAdmin: { url: 'http://127.0.0.1:9', token: 't' },
    machineBroker: { host: '127.0.0.1', port: 1883 },
    orders: domain.orderPort,
    audit: domain.audit,
    say: domain.say,
    blocks: domain.blocks,
    log,
    metrics,
  });
  const page = syncRoutes({
    store: createSyncStore(db),
    parked: createParkedStore({ db, audit: domain.audit }),
    parkedDown: createParkedDown({
      inbox: openDownInbox(db, identity),
      audit: domain.audit,
      onApplied: domain.news.all,
    }),
    facts: createPageFacts(db),
    trail: createTrailStore(db),
    watch: sync,
    nodeId,
    dataDir: dir,
    backupFile: join(dir, 'backup.mark'),
    now: Date.now,
  });
  const bundles = openBundles({
    ...{ db, identity, nodeDir, mirrorAuthority: undefined, audit: domain.audit, onSettled: () => undefined },
  });
  const bundleDesk = createBundleDesk({ db, bundles: bundles.bundles }, bundles, join(dir, 'media', 'bundles'));
  const { app, routes } = createProductionApp({
    db,
    domain,
    files,
    hub,
    licence: createLicenceReader(nodeDir, nodeId),
    services,
    latestSync: sync.latest,
    otherRoutes: [...machines.routes, ...page, ...bundleRoutes(bundleDesk)],
    webDir: options.webDir,
    log,
    metrics,
  });
  const server = stack.use(await listen(app, { host: '127.0.0.1', port: 0 }));
  await new Promise<void>((resolve) => bus.onConnect(resolve));
  await new Promise<void>((resolve) => consumer.onConnect(resolve));
  return { url: server.url, dir, db, domain, files, routes, identity, broker, bus };
}

/** Sets the shop up and signs the owner in. */
export async function signedIn(app: Pick<ShopApp, 'url'>): Promise<Browser> {
  const browser = openBrowser(app.url);
  await browser.ok('POST', '/api/setup/owner', owner);
  return browser;
}

export const inDays = (days: number): number => Date.now() + days * 86_400_000;

export async function addCustomer(browser: Browser, more: object = {}): Promise<Customer> {
  return browser.ok('POST', '/api/customers', { name: 'Maria da Silva', phone: '(11) 99369-8430', ...more });
}

export const twoItems = [
  { description: 'Banner 3x2 m', quantity: 2, unitPriceCents: 4500, spec: [{ label: 'Acabamento', value: 'Ilhós' }] },
  { description: 'Adesivo', quantity: 100, unit: 'un', unitPriceCents: 150 },
] as const;

export async function addOrder(browser: Browser, more: object = {}): Promise<Order> {
  const { customerId } = await addCustomer(browser);
  return browser.ok('POST', '/api/orders', { customerId, items: twoItems, promisedAt: inDays(3), ...more });
}

export const move = (browser: Browser, order: Pick<Order, 'orderId' | 'version'>, to: string): Promise<Order> =>
  browser.ok('POST', `/api/orders/${order.orderId}/move`, { expectedVersion: order.version, to });

/** A file that begins as a JPEG does. */
export function jpegBytes(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes).fill(7);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  return bytes;
}

export const photoId = newId;
