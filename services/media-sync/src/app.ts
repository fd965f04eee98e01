import type { Bus } from '@sgp/service-kit/bus';
import { createBusConsumer } from '@sgp/service-kit/bus-consumer';
import type { Database } from '@sgp/service-kit/database';
import { healthRoutes, localAccess, openAccess } from '@sgp/service-kit/health';
import { createHttpApp } from '@sgp/service-kit/http-app';
import type { Log } from '@sgp/service-kit/log';
import { createMetrics } from '@sgp/service-kit/metrics';
import { limits } from '@sgp/shared/limits';
import { syncStatusSchema } from '@sgp/shared/sync';
import { serviceUsername, topics } from '@sgp/shared/topics';
import type Koa from 'koa';
import { createDeriveIsolated } from './derive/derive-isolated.ts';
import { createDerivePhoto, type DerivePhoto } from './derive/derive-photo.ts';
import { openMediaFiles } from './derive/derived-files.ts';
import { setUpSharp } from './derive/make-presets.ts';
import { createPixelBudget } from './derive/pixel-budget.ts';
import { createMediaMetrics } from './media-metrics.ts';
import { createMediaIntake } from './photos/media-intake.ts';
import { createPhotoStore } from './photos/photo-store.ts';
import type { ObjectStore, Tenant } from './storage/object-store.ts';
import { startAnnounceLoop } from './work/announce-loop.ts';
import { startAudit } from './work/audit.ts';
import { createGate, type Gate } from './work/backoff.ts';
import { startDeleteLoop } from './work/delete-loop.ts';
import { startDeriveLoop } from './work/derive-loop.ts';
import { startPublishLoop } from './work/publish-loop.ts';
import { workLimits } from './work-limits.ts';

export type AppDeps = {
  readonly db: Database;
  readonly bus: Bus;
  readonly store: ObjectStore;
  readonly tenant: Tenant;
  readonly est: string;
  /** IANA zone of the shop. */
  readonly timeZone: string;
  readonly mediaDir: string;
  readonly brokerUrl: string;
  readonly mqttPassword: string;
  readonly log: Log;
  /** Other ways to decode, another gate and pace of the audit; the service's own when left out. */
  readonly derivePhoto?: DerivePhoto;
  readonly deriveIsolated?: DerivePhoto;
  readonly gate?: Gate;
  readonly auditIntervalMs?: number;
};

/** Starts the work on photos; the stack ends it. The Koa application answers health and metrics only. */
export function openMediaApp(stack: AsyncDisposableStack, deps: AppDeps): Koa {
  const { db, bus, store, tenant, est, timeZone, mediaDir, log } = deps;
  setUpSharp();
  const files = openMediaFiles(mediaDir);
  const photos = createPhotoStore(db);
  const gate = deps.gate ?? createGate(workLimits.publishingAtOnceMax);
  // A key that may write and not delete, or a store that is slow to, holds up no photo.
  const deleteGate = createGate(workLimits.deletingAtOnceMax);
  const registry = createMetrics('media-sync');
  const metrics = createMediaMetrics(registry, { photos, gate });
  const budget = createPixelBudget(limits.mediaPixelsMax, workLimits.derivingAtOnceMax);
  const closing = new AbortController();
  const inWork = new Set<string>();

  const announcing = stack.use(startAnnounceLoop({ photos, bus, est, tenant, log, closing: closing.signal }));
  stack.defer(() => closing.abort());
  const publishing = stack.use(
    startPublishLoop({ photos, store, files, tenant, gate, inWork, metrics, log, onProgress: () => wakeAll() }),
  );
  const deleting = stack.use(
    startDeleteLoop({
      photos,
      store,
      files,
      tenant,
      gate: deleteGate,
      inWork,
      metrics,
      log,
      onProgress: () => wakeAll(),
    }),
  );
  const deriving = stack.use(
    startDeriveLoop({
      photos,
      inWork,
      derivePhoto: deps.derivePhoto ?? createDerivePhoto({ files, budget, timeZone }),
      deriveIsolated: deps.deriveIsolated ?? createDeriveIsolated({ mediaDir, timeZone }),
      metrics,
      log,
      onProgress: () => wakeAll(),
    }),
  );
  const wakeAll = (): void => {
    for (const loop of [announcing, publishing, deleting, deriving]) loop.wake();
  };
  const intervalMs = deps.auditIntervalMs ?? limits.mediaAuditIntervalMs;
  stack.use(startAudit({ photos, store, tenant, metrics, log, intervalMs, onForgotten: wakeAll }));
  listenForTheCloud(bus, est, log, () => {
    gate.reset();
    deleteGate.reset();
    wakeAll();
  });
  const uploads = stack.use(
    createBusConsumer({
      url: deps.brokerUrl,
      username: serviceUsername('media-sync'),
      clientId: `${serviceUsername('media-sync')}:uploads`,
      password: deps.mqttPassword,
      filters: [topics.mediaUploaded(est), topics.mediaDeleted(est)],
      maxBatchMessages: workLimits.uploadsBatchMaxMessages,
      maxDelayMs: workLimits.uploadsBatchMaxDelayMs,
      maxHeldMessages: limits.busHeldMaxMessages,
      maxHeldBytes: limits.busHeldMaxBytes,
      commit: createMediaIntake({ photos, est, metrics, log, onReceived: wakeAll }),
      log,
    }),
  );

  return createHttpApp({
    log,
    metrics: registry,
    routes: healthRoutes('media-sync', registry, {
      database: () => db.raw('select 1'),
      // The store may be away for hours and the work goes on; without the bus there is none.
      bus: () => {
        if (!uploads.connected) throw new Error('the bus is not connected');
      },
    }),
    access: { open: openAccess, local: localAccess },
  });
}

/** When the bridge reaches the cloud again, the store is likely in reach too: the next try need not wait for its timer. */
function listenForTheCloud(bus: Bus, est: string, log: Log, onBack: () => void): void {
  let offline = false;
  const hear = (_topic: string, message: unknown): void => {
    const status = syncStatusSchema.safeParse(message);
    if (!status.success) return;
    const isOffline = status.data.offlineSince !== null;
    if (offline && !isOffline) onBack();
    offline = isOffline;
  };
  bus.subscribe(topics.syncStatus(est), hear).catch((err: unknown) => log.warn({ err }, 'sync status is not heard'));
}
