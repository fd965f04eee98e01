import { createRequestSigner } from '@sgp/auth/http-signature';
import { connectBus } from '@sgp/service-kit/bus';
import { migrate, openDatabase } from '@sgp/service-kit/database';
import { healthRoutes, localAccess, openAccess } from '@sgp/service-kit/health';
import { createHttpApp } from '@sgp/service-kit/http-app';
import { listen } from '@sgp/service-kit/http-server';
import { createMetrics } from '@sgp/service-kit/metrics';
import { runService } from '@sgp/service-kit/run-service';
import { limits } from '@sgp/shared/limits';
import { topics } from '@sgp/shared/topics';
import { createConflictStore } from '../conflicts/conflict-store.ts';
import { openDownInbox } from '../inbox/open-down-inbox.ts';
import { productionMigrations } from '../migrations/list.ts';
import { createSyncStore } from '../sync/sync-store.ts';
import { startBridge } from './app.ts';
import { createBridgeMetrics } from './bridge-metrics.ts';
import { readBridgeConfig } from './config.ts';
import { createCoreWords } from './core-words.ts';
import { diskOfDatabase, readDisk } from './disk-space.ts';
import { createEdgeHealth } from './edge-health.ts';
import { startShedder } from './lane-shedder.ts';
import { createLicenceFiles } from './licence-files.ts';
import { setBackgroundTimer, startLicenceRenewal } from './licence-renewal.ts';
import { createCheckIn } from './license-checkin.ts';
import { createMirrorLink } from './mirror-link.ts';
import { watchNetwork } from './network-watch.ts';
import { openOutboxQueue } from './outbox-queue.ts';

await runService('bridge', async (stack, log) => {
  const config = readBridgeConfig(process.env);
  const metrics = createMetrics('bridge');
  const { node } = config;

  const db = openDatabase(config.databaseUrl, { durability: 'full' });
  stack.defer(() => db.destroy());
  await migrate(db, productionMigrations);
  const store = createSyncStore(db);
  const delivery = await store.deliveryState();

  const identity = { ...node, privateJwk: config.privateJwk, authority: config.mirrorAuthority };
  const timeoutMs = limits.syncRequestTimeoutMs;
  const folder = diskOfDatabase(config.databaseUrl);
  const conflicts = createConflictStore();
  const health = createEdgeHealth({ db, store, conflicts, folder, log });
  const link = stack.use(
    createMirrorLink({
      url: config.mirrorUrl,
      tenant: node,
      signer: createRequestSigner({ ...identity, tag: 'snapshot-push/1' }),
      changesSigner: createRequestSigner({ ...identity, tag: 'changes/1' }),
      ...{ health, now: Date.now, timeoutMs },
    }),
  );
  const bus = stack.use(
    connectBus({ url: config.brokerUrl, service: 'bridge', password: config.mqttPassword, est: node.est, log }),
  );

  const checkIn =
    config.license &&
    createCheckIn({
      url: config.license.url,
      signer: createRequestSigner({ ...identity, authority: config.license.authority, tag: 'checkin/1' }),
      now: Date.now,
      timeoutMs,
    });
  const files = createLicenceFiles(config.nodeDir, node.nodeId);
  const renewal = stack.use(
    startLicenceRenewal({
      ...{ files, checkIn, metrics, now: Date.now, random: Math.random, setTimer: setBackgroundTimer, log },
    }),
  );
  if (folder !== null) stack.use(startShedder({ db, readDisk: () => readDisk(folder), log }));

  const bridge = stack.use(
    await startBridge(delivery, {
      ...{ db, link, store, log },
      queue: await openOutboxQueue(db),
      inbox: openDownInbox(db, node),
      mirrorUrl: config.mirrorUrl,
      coreWords: createCoreWords(files, node.nodeId, Date.now),
      fetchKeyset: renewal.fetchKeyset,
      // A status that the bus cannot take now is told again when it connects.
      publish: async (status) => {
        if (bus.connected) await bus.publish(topics.syncStatus(node.est), status, { qos: 1, retain: true });
      },
      metrics: createBridgeMetrics(metrics, Date.now),
      maxBytesPerS: config.maxBytesPerS,
      now: Date.now,
      random: Math.random,
    }),
  );
  bus.onConnect(() => bridge.repeatStatus());
  bus.subscribe(topics.outbox(node.est), () => bridge.doorbell()).catch((err) => log.warn({ err }, 'no doorbell'));
  stack.use(watchNetwork(() => bridge.networkChanged()));

  const checks = { database: () => db.raw('select 1') };
  const app = createHttpApp({
    log,
    metrics,
    routes: healthRoutes('bridge', metrics, checks),
    access: { open: openAccess, local: localAccess },
  });
  const server = stack.use(await listen(app, config));
  log.info({ url: server.url, mirror: config.mirrorUrl.origin, epoch: delivery.epoch }, 'bridge ready');
});
