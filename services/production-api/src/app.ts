import type { Database } from '@sgp/service-kit/database';
import { healthRoutes } from '@sgp/service-kit/health';
import { createHttpApp } from '@sgp/service-kit/http-app';
import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import type { Route } from '@sgp/service-kit/route';
import type { EventHub } from '@sgp/service-kit/sse';
import { staticFiles } from '@sgp/service-kit/static-files';
import type { SyncStatus } from '@sgp/shared/sync';
import type Koa from 'koa';
import { blockRoutes } from './blocks/block-routes.ts';
import { catalogueRoutes } from './catalogue/catalogue-routes.ts';
import { conflictRoutes } from './conflicts/conflict-routes.ts';
import { customerRoutes } from './customers/customer-routes.ts';
import { docsRoutes } from './docs/docs-routes.ts';
import type { MediaFiles } from './media/media-files.ts';
import { mediaRoutes } from './media/media-routes.ts';
import { orderRoutes } from './orders/order-routes.ts';
import { createAccessRules } from './people/access.ts';
import { peopleRoutes } from './people/people-routes.ts';
import { eventRoutes } from './shop/event-routes.ts';
import type { LicenceReader } from './shop/licence-reader.ts';
import type { ServiceWatch } from './shop/service-watch.ts';
import { shopRoutes } from './shop/shop-routes.ts';
import type { ShopDomain } from './shop.ts';
import { stockRoutes } from './stock/stock-routes.ts';

/** The intranet's pages: everything from this server, nothing inline. `data:` and `blob:` pictures are made in the page. */
const pagesCsp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export type AppDeps = {
  readonly db: Database;
  readonly domain: ShopDomain;
  readonly files: MediaFiles;
  readonly hub: EventHub;
  readonly licence: LicenceReader;
  readonly services: ServiceWatch;
  readonly latestSync: () => SyncStatus | null;
  /** Routes of the machines and of the sync. */
  readonly otherRoutes: readonly Route[];
  /** Folder of the built intranet; undefined: the API alone. */
  readonly webDir: string | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** Every address of the shop's server. The routes are returned too: tests are made from them. */
export function createProductionApp(deps: AppDeps): { readonly app: Koa; readonly routes: readonly Route[] } {
  const { db, domain, files, log, metrics } = deps;
  const described: readonly Route[] = [
    ...peopleRoutes({ db, people: domain.people, users: domain.users, shop: domain.shop }),
    ...customerRoutes(domain.customers),
    ...orderRoutes(domain.orders, domain.queries),
    ...catalogueRoutes(domain.catalogue),
    ...blockRoutes(domain.blocks),
    ...stockRoutes(domain.stock),
    ...conflictRoutes(domain.conflicts),
    ...mediaRoutes(domain.media, files),
    ...shopRoutes({ settings: domain.settings, licence: deps.licence, watch: deps.services }),
    ...eventRoutes({ hub: deps.hub, streams: domain.streams, latestSync: deps.latestSync }),
    ...deps.otherRoutes,
    ...healthRoutes('production-api', metrics, { database: () => db.raw('select 1') }),
  ];
  const routes = [...described, ...docsRoutes(described)];
  const before =
    deps.webDir === undefined
      ? []
      : [
          staticFiles({
            dir: deps.webDir,
            csp: pagesCsp,
            fallback: 'index.html',
            apiPrefixes: ['/api/', '/healthz', '/readyz', '/metrics'],
          }),
        ];
  const app = createHttpApp({ log, metrics, routes, access: createAccessRules(domain.people), before });
  return { app, routes };
}
