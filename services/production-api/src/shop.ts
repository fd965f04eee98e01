import type { NodeIdentity } from '@sgp/auth/node-identity';
import type { Bus } from '@sgp/service-kit/bus';
import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import type { EventHub } from '@sgp/service-kit/sse';
import { createAuditStore } from './audit/audit-store.ts';
import { createBlocks } from './blocks/blocks.ts';
import { createCatalogueService } from './catalogue/catalogue-service.ts';
import { createSharedStore } from './catalogue/shared-store.ts';
import { createSharedWriter } from './catalogue/shared-writer.ts';
import { createConflictService } from './conflicts/conflict-service.ts';
import { createConflictStore } from './conflicts/conflict-store.ts';
import { createCustomerService } from './customers/customer-service.ts';
import { createCustomerStore } from './customers/customer-store.ts';
import { createDeletedMediaStore } from './media/deleted-media-store.ts';
import type { MediaFiles } from './media/media-files.ts';
import { createMediaNews } from './media/media-news.ts';
import { createMediaOutcomes } from './media/media-outcomes.ts';
import { createMediaService } from './media/media-service.ts';
import { createMediaStore } from './media/media-store.ts';
import { createOrderNews } from './orders/order-news.ts';
import { createOrderPort } from './orders/order-port.ts';
import { createOrderQueries } from './orders/order-queries.ts';
import { createOrderService } from './orders/order-service.ts';
import { createOrderStore } from './orders/order-store.ts';
import { createOrderWriter } from './orders/order-writer.ts';
import { createHlcStore } from './outbox/hlc-store.ts';
import { createOutboxStore } from './outbox/outbox-store.ts';
import { createPeopleService } from './people/people-service.ts';
import { createSessionStore } from './people/session-store.ts';
import { createSessionStreams } from './people/session-streams.ts';
import { createSignInLimit } from './people/sign-in-limit.ts';
import { createUserStore } from './people/user-store.ts';
import { createSettingsService } from './shop/settings-service.ts';
import { createSharedNews } from './shop/shared-news.ts';
import { createShopHub } from './shop/shop-hub.ts';
import { createShopMetrics } from './shop/shop-metrics.ts';
import { createShopStore } from './shop/shop-store.ts';
import { createStockService } from './stock/stock-service.ts';
import { createStockStore } from './stock/stock-store.ts';
import { createStockWriter } from './stock/stock-writer.ts';
import { createSay } from './streams/say.ts';
import { sayUnsent } from './streams/unsent.ts';
import { createRepairs } from './sync/repairs.ts';

export type ShopDeps = {
  readonly db: Database;
  readonly identity: Pick<NodeIdentity, 'nodeId' | 'companyId' | 'establishmentId' | 'est' | 'shopName' | 'timeZone'>;
  readonly bus: Pick<Bus, 'publish' | 'connected'>;
  readonly hub: EventHub;
  readonly files: MediaFiles;
  /** Where customers open their links, without a slash at the end. */
  readonly trackingBaseUrl: string;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** The shop's people, customers, orders, photos and settings over one database, ready for routes and machines. */
export type ShopDomain = Awaited<ReturnType<typeof openShop>>;

export async function openShop(stack: AsyncDisposableStack, deps: ShopDeps) {
  const { db, identity, bus, files, log } = deps;
  const { est } = identity;
  const hub = createShopHub(deps.hub);
  const counted = createShopMetrics(deps.metrics, () => deps.hub.size);

  const shop = createShopStore();
  await shop.ensure(db, { name: identity.shopName, timeZone: identity.timeZone });
  let { timeZone } = await shop.read(db);
  const outbox = createOutboxStore();
  const hlc = createHlcStore(identity.nodeId);
  const say = createSay({ outbox, hlc });
  await sayUnsent(db, say);
  const audit = createAuditStore(say);
  const orders = createOrderStore();
  const customers = createCustomerStore();
  const media = createMediaStore();
  const deleted = createDeletedMediaStore();
  const users = createUserStore();
  const sessions = createSessionStore();

  const tell = createOrderNews({ bus, hub, est, log });
  const writer = createOrderWriter({
    db,
    orders,
    shop,
    audit,
    outbox,
    hlc,
    origin: identity,
    onWritten(written) {
      tell(written);
      counted.orderVersions.inc();
    },
  });
  const queries = createOrderQueries(db, shop);
  const shared = createSharedStore();
  const sharedWriter = createSharedWriter({ shared, audit, say, hlc });
  const news = createSharedNews(hub);
  const blocks = createBlocks({ db, shared, writer: sharedWriter });
  const catalogue = createCatalogueService({ db, shared, writer: sharedWriter, blocks });
  const conflicts = createConflictStore();
  const stock = createStockStore();
  const { establishmentId } = identity;
  const stockWriter = createStockWriter({ stock, conflicts, audit, say, establishmentId });
  const stockService = createStockService({ db, stock, writer: stockWriter, catalogue, blocks, establishmentId });
  const conflictService = createConflictService({ db, conflicts, shared, sharedWriter, stock, stockWriter, audit });
  const mediaNews = createMediaNews({ bus, hub, est, log });
  const streams = stack.use(
    createSessionStreams(
      (ids) => sessions.liveAmong(db, ids, Date.now()),
      (err) => log.warn({ err }, 'sessions of open event streams could not be checked'),
    ),
  );
  return {
    shop,
    hub,
    streams,
    queries,
    users,
    timeZone: () => timeZone,
    audit,
    say,
    news,
    blocks: { ...blocks, set: news.after(blocks.set, 'catalogue.changed') },
    catalogue: { ...catalogue, change: news.after(catalogue.change, 'catalogue.changed') },
    stock: {
      ...stockService,
      book: news.after(stockService.book, 'stock.changed', 'conflicts.changed'),
      settle: news.after(stockService.settle, 'stock.changed', 'conflicts.changed'),
    },
    conflicts: {
      ...conflictService,
      decide: news.after(conflictService.decide, 'conflicts.changed', 'catalogue.changed', 'stock.changed'),
    },
    people: createPeopleService({
      db,
      users,
      sessions,
      limit: createSignInLimit(db),
      audit,
      shop,
      est,
      onSessionsEnded: streams.sweep,
    }),
    customers: createCustomerService({ db, customers, orders, writer, audit, say }),
    orders: createOrderService({
      db,
      orders,
      queries,
      customers,
      shop,
      audit,
      writer,
      blocks,
      trackingBaseUrl: deps.trackingBaseUrl,
    }),
    repairs: createRepairs({ db, writer, say, hlc, conflicts, log }),
    orderPort: createOrderPort({ db, orders, writer }),
    media: createMediaService({ db, media, deleted, files, orders, writer, audit, news: mediaNews }),
    mediaOutcomes: createMediaOutcomes({ media, deleted, writer, news: mediaNews, log }),
    settings: createSettingsService({
      db,
      shop,
      orders,
      writer,
      audit,
      onChanged(settings) {
        timeZone = settings.shop.timeZone;
      },
    }),
  };
}
