import { join } from 'node:path';
import { readNodeIdentity } from '@sgp/auth/node-identity';
import { connectBus } from '@sgp/service-kit/bus';
import { createBusConsumer } from '@sgp/service-kit/bus-consumer';
import { listen } from '@sgp/service-kit/http-server';
import { createMetrics } from '@sgp/service-kit/metrics';
import { runService } from '@sgp/service-kit/run-service';
import { createEventHub } from '@sgp/service-kit/sse';
import { limits } from '@sgp/shared/limits';
import { serviceUsername, topics } from '@sgp/shared/topics';
import { createProductionApp } from './app.ts';
import { bundleRoutes } from './bundle/bundle-routes.ts';
import { createBundleDesk } from './bundle/bundle-service.ts';
import { openBundles } from './bundle/open-bundles.ts';
import { loadConfig } from './config.ts';
import { openProductionDb, openTelemetryDb } from './db.ts';
import { openDownInbox } from './inbox/open-down-inbox.ts';
import { openMachines } from './machines/open-machines.ts';
import { openMediaFiles } from './media/media-files.ts';
import { createLicenceReader } from './shop/licence-reader.ts';
import { watchServices } from './shop/service-watch.ts';
import { openShop } from './shop.ts';
import { createLicenceReturn } from './sync/licence-return.ts';
import { createPageFacts } from './sync/page-facts.ts';
import { createParkedDown } from './sync/parked-down.ts';
import { createParkedStore } from './sync/parked-store.ts';
import { startRepairs } from './sync/repairs.ts';
import { syncRoutes } from './sync/sync-routes.ts';
import { createSyncStore } from './sync/sync-store.ts';
import { createSyncWatch } from './sync/sync-watch.ts';
import { createTrailStore } from './sync/trail-store.ts';

await runService('production-api', async (stack, log) => {
  const config = loadConfig(process.env);
  const identity = readNodeIdentity(config.NODE_DIR);
  const { est, nodeId } = identity;
  const metrics = createMetrics('production-api');

  const db = stack.adopt(await openProductionDb(config.PRODUCTION_DB_URL), (open) => open.destroy());
  const telemetryDb = stack.adopt(await openTelemetryDb(config.TELEMETRY_DB_URL), (open) => open.destroy());
  const files = await openMediaFiles(config.MEDIA_DIR);
  const { BROKER_URL: brokerUrl, TRACKING_BASE_URL: trackingBaseUrl } = config;
  const { mqttPassword } = config;
  const bus = stack.use(connectBus({ url: brokerUrl, service: 'production-api', password: mqttPassword, est, log }));
  const hub = stack.use(createEventHub());

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
  const username = serviceUsername('production-api');
  stack.use(
    createBusConsumer({
      url: brokerUrl,
      username,
      clientId: `${username}:media`,
      password: mqttPassword,
      filters: [topics.mediaPublished(est)],
      maxBatchMessages: limits.floorCommitMaxMessages,
      maxDelayMs: limits.floorCommitMaxDelayMs,
      maxHeldMessages: limits.busHeldMaxMessages,
      maxHeldBytes: limits.busHeldMaxBytes,
      commit: domain.mediaOutcomes,
      log,
    }),
  );
  const sweepMedia = (): void => {
    domain.media.sweep().catch((err: unknown) => log.warn({ err }, 'waiting photos could not be announced'));
  };
  bus.onConnect(sweepMedia);
  const sweeping = stack.adopt(setInterval(sweepMedia, limits.mediaAnnounceIntervalMs), clearInterval);
  sweeping.unref();

  const machines = await openMachines(stack, {
    db,
    telemetryDb,
    bus,
    hub,
    est,
    timeZone: domain.timeZone,
    brokerUrl,
    mqttPassword,
    brokerAdmin: { url: config.BROKER_ADMIN_URL, token: config.brokerAdminToken },
    machineBroker: { host: config.MACHINE_BROKER_HOST, port: config.MACHINE_BROKER_PORT },
    orders: domain.orderPort,
    audit: domain.audit,
    say: domain.say,
    blocks: domain.blocks,
    log,
    metrics,
  });
  stack.use(startRepairs(domain.repairs, log));
  const licence = createLicenceReader(config.NODE_DIR, nodeId);
  const parked = createParkedStore({ db, audit: domain.audit });
  const licenceReturn = createLicenceReturn({ licence, parked, now: Date.now, log });
  await licenceReturn.look();
  stack
    .adopt(
      setInterval(() => void licenceReturn.look(), limits.licenceReturnLookMs),
      clearInterval,
    )
    .unref();
  const syncPage = syncRoutes({
    store: createSyncStore(db),
    parked,
    parkedDown: createParkedDown({
      inbox: openDownInbox(db, identity),
      audit: domain.audit,
      onApplied: domain.news.all,
    }),
    facts: createPageFacts(db),
    trail: createTrailStore(db),
    watch: sync,
    nodeId,
    dataDir: config.MEDIA_DIR,
    backupFile: config.BACKUP_MARK_FILE,
    now: Date.now,
  });
  const bundles = openBundles({
    ...{ db, identity, nodeDir: config.NODE_DIR, mirrorAuthority: config.MIRROR_AUTHORITY, audit: domain.audit },
    // The bridge then tells the screens how much waits.
    onSettled: () => void bus.publish(topics.outbox(est), {}, { qos: 0 }).catch(() => undefined),
  });
  const bundleDesk = createBundleDesk({ db, bundles: bundles.bundles }, bundles, join(config.MEDIA_DIR, 'bundles'));
  const { app } = createProductionApp({
    db,
    domain,
    files,
    hub,
    licence,
    services,
    latestSync: sync.latest,
    otherRoutes: [...machines.routes, ...syncPage, ...bundleRoutes(bundleDesk)],
    webDir: config.WEB_DIR,
    log,
    metrics,
  });
  const server = stack.use(await listen(app, { host: config.HOST, port: config.PORT }));
  log.info({ port: server.port }, 'production-api ready');
});
