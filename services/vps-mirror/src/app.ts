import type { Database } from '@sgp/service-kit/database';
import { healthRoutes, localAccess, openAccess } from '@sgp/service-kit/health';
import { createHttpApp } from '@sgp/service-kit/http-app';
import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import type Koa from 'koa';
import { Gauge } from 'prom-client';
import { bundleRoutes } from './bundle/bundle-route.ts';
import type { BundleSpool } from './bundle/bundle-spool.ts';
import { createCompanyAccess } from './company/company-access.ts';
import type { CompanyDeps } from './company/company-deps.ts';
import { companyRoutes } from './company/company-routes.ts';
import { tokenRoutes } from './company/token-routes.ts';
import type { TokenStore } from './company/token-store.ts';
import { digestRoutes } from './compare/digest-routes.ts';
import type { DigestStore } from './compare/digest-store.ts';
import type { ReceiptStore } from './compare/receipt-store.ts';
import type { Bell } from './downlink/bell.ts';
import { changesRoutes } from './downlink/changes-route.ts';
import type { DownWriter } from './downlink/down-writer.ts';
import { createDownlinkMetrics } from './downlink/downlink-metrics.ts';
import type { DownlinkStore } from './downlink/downlink-store.ts';
import { createBulkGate } from './ingest/bulk-gate.ts';
import { helloRoutes } from './ingest/hello-routes.ts';
import { createIngestMetrics } from './ingest/ingest-metrics.ts';
import { type InstanceStore, requireUnforked } from './ingest/instance-store.ts';
import { createNodeAccess } from './ingest/node-access.ts';
import type { NonceStore } from './ingest/nonce-store.ts';
import { createOperatorAccess } from './ingest/operator-access.ts';
import { createCompanyLimiter, createMediaLimiter, createPushLimiter } from './ingest/push-limiter.ts';
import { type PushDeps, pushRoutes } from './ingest/push-routes.ts';
import type { PushStore } from './ingest/push-store.ts';
import { createStrikeLimiter } from './ingest/strike-limiter.ts';
import type { CoreSigner } from './keys/core-signer.ts';
import type { MediaFiles } from './media/media-files.ts';
import { mediaRoutes } from './media/media-routes.ts';
import type { MediaUrls, OwnMediaUrls } from './media/media-urls.ts';
import type { NodeCache } from './nodes/node-cache.ts';
import { linkStateOf, type OrderStore } from './orders/order-store.ts';
import { pageRoutes } from './page/page-routes.ts';
import type { WebApp } from './page/web-app.ts';
import type { CoreClock } from './shared/core-clock.ts';
import type { FactorLimitStore } from './tracking/factor-limit-store.ts';
import type { LinkStreams } from './tracking/link-streams.ts';
import { trackingRoutes } from './tracking/tracking-routes.ts';
import { trailRoutes } from './trail/trail-routes.ts';
import type { TrailStore } from './trail/trail-store.ts';

export type MirrorDeps = {
  readonly db: Database;
  readonly nodes: NodeCache;
  readonly nonces: NonceStore;
  readonly pushes: PushStore;
  readonly instances: InstanceStore;
  readonly tokens: TokenStore;
  readonly down: DownWriter;
  readonly clock: CoreClock;
  readonly alerts: CompanyDeps['alerts'];
  readonly downlink: DownlinkStore;
  readonly bell: Bell;
  readonly digests: DigestStore;
  readonly receipts: ReceiptStore;
  readonly trail: TrailStore;
  readonly signer: CoreSigner;
  readonly orders: OrderStore;
  readonly streams: LinkStreams;
  readonly factorLimit: FactorLimitStore;
  readonly bundleSpool: BundleSpool;
  readonly files: MediaFiles;
  /** Addresses of the mirror's own photo store… */
  readonly ownUrls: OwnMediaUrls;
  /** …and those that customers get, which are the bucket's when there is one. */
  readonly mediaUrls: MediaUrls;
  readonly web: WebApp;
  readonly authority: string;
  /** The vendor's; null: nobody may do what needs it. */
  readonly operatorToken: string | null;
  readonly trustedProxyHops: 0 | 1;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
};

/** The mirror's HTTP application. */
export function createMirrorApp(deps: MirrorDeps): Koa {
  const { nodes, nonces, pushes, orders, streams, now, web } = deps;
  const strikes = createStrikeLimiter(now);
  const metrics = createIngestMetrics(deps.metrics);
  addGauges(deps);
  const signed = { authority: deps.authority, nonces, strikes, now, metrics };
  const limiter = createPushLimiter(now);
  const company = { tokens: deps.tokens, strikes, limiter: createCompanyLimiter(now), now };
  const taken = {
    pushes,
    onOrders: (applied: Parameters<PushDeps['onOrders']>[0]) => {
      for (const { payload } of applied) streams.changed(linkStateOf(payload));
    },
  };
  const present = { signer: deps.signer, requireUnforked: (nodeId: string) => requireUnforked(deps.db, nodeId) };
  return createHttpApp({
    log: deps.log,
    metrics: deps.metrics,
    trustedProxyHops: deps.trustedProxyHops,
    before: web.files,
    access: {
      open: openAccess,
      local: localAccess,
      node: createNodeAccess({ nodes, strikes, metrics }),
      operator: createOperatorAccess({ token: deps.operatorToken, strikes }),
      'company-read': createCompanyAccess(company, 'read'),
      'company-write': createCompanyAccess(company, 'write'),
    },
    routes: [
      ...healthRoutes('vps-mirror', deps.metrics, { database: () => deps.db.raw('select 1') }),
      ...pushRoutes({ ...signed, ...taken, limiter, bulk: createBulkGate() }),
      ...bundleRoutes({
        ...{ ...signed, ...taken, nodes, instances: deps.instances },
        ...{ signer: deps.signer, spool: deps.bundleSpool },
      }),
      ...helloRoutes({ ...signed, instances: deps.instances, limiter }),
      ...digestRoutes({ ...signed, ...present, limiter, digests: deps.digests, receipts: deps.receipts }),
      ...changesRoutes({
        ...{ ...signed, ...present, limiter, downlink: deps.downlink, bell: deps.bell },
        downMetrics: createDownlinkMetrics(deps.metrics),
      }),
      ...trailRoutes(deps),
      ...tokenRoutes(deps),
      ...companyRoutes(deps),
      ...mediaRoutes({ ...signed, files: deps.files, urls: deps.ownUrls, limiter: createMediaLimiter(now) }),
      ...trackingRoutes(deps),
      ...pageRoutes({ ...deps, orders, web }),
    ],
  });
}

function addGauges({ metrics: { registry }, streams, nodes }: MirrorDeps): void {
  new Gauge({
    name: 'sgp_mirror_streams',
    help: 'Event streams that are open',
    registers: [registry],
    collect() {
      this.set(streams.size);
    },
  });
  new Gauge({
    name: 'sgp_mirror_node_record_age_seconds',
    help: 'Age of the oldest node record; above 60 the license service does not answer',
    registers: [registry],
    collect() {
      this.set(nodes.oldestAgeMs / 1000);
    },
  });
}
