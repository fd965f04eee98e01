import { listen } from '@sgp/service-kit/http-server';
import { createMetrics } from '@sgp/service-kit/metrics';
import { runService } from '@sgp/service-kit/run-service';
import { createEventHub } from '@sgp/service-kit/sse';
import { createMirrorApp } from './app.ts';
import { readMirrorConfig } from './config.ts';
import { openMirrorDatabase } from './db.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createEvidenceRetention } from './ingest/evidence-retention.ts';
import { createNonceStore } from './ingest/nonce-store.ts';
import { createPushStore } from './ingest/push-store.ts';
import { createMediaFiles } from './media/media-files.ts';
import { createOwnMediaUrls } from './media/media-urls.ts';
import { createLicenseClient } from './nodes/license-client.ts';
import { openNodeCache } from './nodes/node-cache.ts';
import { createNodeStore } from './nodes/node-store.ts';
import { followOrderNews } from './orders/follow-order-news.ts';
import { createOrderStore } from './orders/order-store.ts';
import { openWebApp } from './page/web-app.ts';
import { createFactorLimitStore } from './tracking/factor-limit-store.ts';
import { createLinkStreams } from './tracking/link-streams.ts';

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
  const pushes = createPushStore({ db, now, announce: news.announce });
  stack.use(startHousekeeping([nonces, factorLimit, pushes, createEvidenceRetention(db)], log, now));

  const license = createLicenseClient(config.license);
  const nodes = stack.use(await openNodeCache({ store: createNodeStore(db), license, log, now }));

  const ownUrls = createOwnMediaUrls({ secret: config.mediaUrlSecret, now });
  // The bucket's library is large: it is only loaded when there is a bucket.
  const s3 = config.s3 && (await import('./media/s3-media-urls.ts')).createS3MediaUrls({ ...config.s3, now });
  const mediaUrls = s3 ? stack.use(s3) : ownUrls;
  const files = createMediaFiles(config.mediaDir);
  const web = openWebApp({ dir: config.webDir, mediaOrigin: mediaUrls.origin });

  const { authority, trustedProxyHops } = config;
  const stores = { db, nodes, nonces, pushes, orders, streams, factorLimit };
  const app = createMirrorApp({
    ...{ ...stores, files, ownUrls, mediaUrls, web, authority, trustedProxyHops },
    ...{ metrics, log, now },
  });
  const server = stack.use(await listen(app, config));
  log.info({ url: server.url }, 'listening');
});
