import { join } from 'node:path';
import { listen } from '@sgp/service-kit/http-server';
import { newId } from '@sgp/service-kit/ids';
import { createMetrics } from '@sgp/service-kit/metrics';
import { runService } from '@sgp/service-kit/run-service';
import { createEventHub } from '@sgp/service-kit/sse';
import { startDelivery } from './alerts/deliver-alerts.ts';
import { openAlerts } from './alerts/open-alerts.ts';
import { startWatch } from './alerts/watch.ts';
import { createMirrorApp } from './app.ts';
import { openBundleSpool } from './bundle/bundle-spool.ts';
import { createActRetention } from './company/audit-log.ts';
import { createTokenStore } from './company/token-store.ts';
import { createDigestStore } from './compare/digest-store.ts';
import { createReceiptStore } from './compare/receipt-store.ts';
import { readMirrorConfig } from './config.ts';
import { openMirrorDatabase } from './db.ts';
import { createBell } from './downlink/bell.ts';
import { openDownWriter } from './downlink/down-writer.ts';
import { createDownlinkStore } from './downlink/downlink-store.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createEvidenceRetention } from './ingest/evidence-retention.ts';
import { createInstanceStore } from './ingest/instance-store.ts';
import { createNonceStore } from './ingest/nonce-store.ts';
import { createPushStore } from './ingest/push-store.ts';
import { createTextRetention } from './ingest/text-retention.ts';
import { startCoreSigner } from './keys/core-signer.ts';
import { openSyncKey } from './keys/sync-key.ts';
import { createMediaFiles } from './media/media-files.ts';
import { createOwnMediaUrls } from './media/media-urls.ts';
import { createLicenseClient } from './nodes/license-client.ts';
import { openNodeCache } from './nodes/node-cache.ts';
import { createNodeStore } from './nodes/node-store.ts';
import { followOrderNews } from './orders/follow-order-news.ts';
import { createOrderStore } from './orders/order-store.ts';
import { openWebApp } from './page/web-app.ts';
import { createCoreClock } from './shared/core-clock.ts';
import { everythingFor } from './shared/everything.ts';
import { createNoteOverwritten } from './shared/note-overwritten.ts';
import { createOnAppended } from './shared/on-appended.ts';
import { createFactorLimitStore } from './tracking/factor-limit-store.ts';
import { createLinkStreams } from './tracking/link-streams.ts';
import { createTrailStore } from './trail/trail-store.ts';

await runService('vps-mirror', async (stack, log) => {
  const config = readMirrorConfig(process.env);
  const now = Date.now;
  const metrics = createMetrics('vps-mirror');

  const db = await openMirrorDatabase(config.dbUrl);
  stack.defer(() => db.destroy());
  const orders = createOrderStore(db);
  const nonces = createNonceStore(db);
  const factorLimit = createFactorLimitStore(db);
  const streams = stack.use(createLinkStreams(createEventHub(), now));
  const news = stack.use(await followOrderNews({ db, orders, streams, log }));
  const bell = stack.use(createBell());
  const down = stack.use(await openDownWriter({ db, bell, log, now }));
  const clock = createCoreClock(newId(), now);
  const onAppended = createOnAppended({ down, everything: everythingFor, clock, log, now });
  const noteOverwritten = createNoteOverwritten({ down, everything: everythingFor, clock, now });
  const pushes = createPushStore({ db, now, announce: news.announce, onAppended, noteOverwritten });
  const downlink = createDownlinkStore({ db, everything: everythingFor });
  const digests = createDigestStore(db);
  const receipts = createReceiptStore(db);
  const trail = createTrailStore(db);
  const keyDir = config.syncKeyDir;
  const alerts = stack.use(await openAlerts({ db, metrics, keyDir, ...config.alerts, log, now }));
  const purgers = [
    nonces,
    factorLimit,
    pushes,
    createEvidenceRetention(db),
    digests,
    receipts,
    trail,
    downlink,
    alerts.outbox,
    createActRetention(db),
    createTextRetention(db),
  ];
  stack.use(startHousekeeping(purgers, log, now));

  const license = createLicenseClient(config.license);
  const key = await openSyncKey(config.syncKeyDir, now());
  const signer = stack.use(startCoreSigner({ key, license, log, now }));
  const nodes = stack.use(await openNodeCache({ store: createNodeStore(db), license, log, now }));

  const ownUrls = createOwnMediaUrls({ secret: config.mediaUrlSecret, now });
  // The bucket's library is large: it is only loaded when there is a bucket.
  const s3 = config.s3 && (await import('./media/s3-media-urls.ts')).createS3MediaUrls({ ...config.s3, now });
  const mediaUrls = s3 ? stack.use(s3) : ownUrls;
  const files = createMediaFiles(config.mediaDir);
  // Beside the photos: the one folder that may hold large files.
  const bundleSpool = await openBundleSpool(join(config.mediaDir, '.bundles'));
  const web = openWebApp({ dir: config.webDir, mediaOrigin: mediaUrls.origin });

  const { authority, operatorToken, trustedProxyHops } = config;
  const instances = createInstanceStore(db);
  const stores = {
    db,
    nodes,
    nonces,
    pushes,
    instances,
    digests,
    receipts,
    trail,
    orders,
    streams,
    factorLimit,
    downlink,
  };
  const app = createMirrorApp({
    ...{ ...stores, bundleSpool, files, ownUrls, mediaUrls, web, authority, operatorToken, trustedProxyHops },
    ...{ signer, alerts, bell, down, clock, tokens: createTokenStore(db), metrics, log, now },
  });
  const delivery = stack.use(startDelivery(alerts.delivery));
  stack.use(startWatch({ ...alerts.watch, log, onTold: delivery.wake }));
  const server = stack.use(await listen(app, config));
  log.info({ url: server.url }, 'listening');
});
