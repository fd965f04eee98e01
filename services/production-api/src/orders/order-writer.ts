import type { Database } from '@sgp/service-kit/database';
import type { Hlc } from '@sgp/shared/clock';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import { type Actor, type AuditStore, difference, type Facts, refreshed } from '../audit/audit-store.ts';
import type { HlcStore } from '../outbox/hlc-store.ts';
import type { OutboxStore } from '../outbox/outbox-store.ts';
import type { ShopStore } from '../shop/shop-store.ts';
import { inTurn } from '../streams/say.ts';
import type { OrderChange } from './order-changes.ts';
import { type OrderItem, type OrderRecord, orderTotalCents } from './order-record.ts';
import type { OrderStore } from './order-store.ts';
import { type Origin, toSnapshot } from './snapshot.ts';

/** A version that was written: what the bus, the screens and the bridge are told after the commit. */
export type WrittenOrder = { readonly order: OrderRecord; readonly snapshot: OrderSnapshot; readonly seq: number };

/** A transaction in which orders are written. */
export type OrderTransaction = {
  readonly tx: Database;
  /** Writes a new order as version 1. */
  create(
    order: Omit<OrderRecord, 'version' | 'updatedHlc' | 'updatedAt'>,
    actor: Actor,
    facts: Facts,
  ): Promise<OrderRecord>;
  /**
   * Reads the order, changes it, and writes the next version.
   * @throws AppError NOT_FOUND; VERSION_CONFLICT when `expectedVersion` is another than the one that is there
   */
  change(
    orderId: string,
    actor: Actor,
    expectedVersion: number | null,
    change: (order: OrderRecord) => OrderChange | Promise<OrderChange>,
  ): Promise<OrderRecord>;
  /**
   * Writes the order as it stands as a version above one that the Core has, and under a later stamp.
   * @returns the order; null when there is none
   */
  rewrite(
    orderId: string,
    actor: Actor,
    above: { readonly version: number; readonly updatedAt: Hlc | null },
  ): Promise<OrderRecord | null>;
};

export type OrderWriter = {
  /**
   * The only way to write an order: the rows, the audit entry and the outbox row are one transaction (DESIGN §4). After
   * the commit the news goes out; when `work` throws nothing was written and nothing is told.
   */
  transaction<Result>(work: (orders: OrderTransaction) => Promise<Result>): Promise<Result>;
};

export type OrderWriterDeps = {
  readonly db: Database;
  readonly orders: Pick<OrderStore, 'load' | 'save'>;
  readonly shop: Pick<ShopStore, 'read'>;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly outbox: Pick<OutboxStore, 'append'>;
  readonly hlc: Pick<HlcStore, 'tick' | 'observe'>;
  readonly origin: Origin;
  readonly onWritten: (written: WrittenOrder) => void;
};

export function createOrderWriter(deps: OrderWriterDeps): OrderWriter {
  const { db, orders, audit } = deps;

  const write = async (
    tx: Database,
    before: OrderRecord | null,
    unstamped: OrderRecord,
    entry: { readonly actor: Actor; readonly kind: string; readonly facts: Facts },
    parentVersion = before?.version ?? 0,
  ): Promise<WrittenOrder> => {
    const at = Date.now();
    const order: OrderRecord = {
      ...unstamped,
      version: parentVersion + 1,
      updatedHlc: await deps.hlc.tick(tx),
      updatedAt: at,
    };
    await orders.save(tx, before, order);
    await audit.append(tx, {
      at,
      actor: entry.actor,
      entity: 'order',
      entityId: order.orderId,
      action: entry.kind,
      summary: entry.facts,
      // A count comes every few seconds, and the trail is never emptied: its facts, not all items twice.
      ...(entry.kind === 'count'
        ? { before: {}, after: {} }
        : difference(before ? audited(before) : {}, audited(order))),
    });
    const snapshot = toSnapshot(order, deps.origin, await deps.shop.read(tx));
    const { seq } = await deps.outbox.append(tx, {
      stream: 'orders',
      entityId: order.orderId,
      version: order.version,
      parentVersion,
      updatedAt: order.updatedHlc,
      payload: snapshot,
    });
    return { order, snapshot, seq };
  };

  return {
    async transaction(work) {
      const written: WrittenOrder[] = [];
      const result = await inTurn(db, (tx) =>
        // One writer at a time: versions, stamps and outbox numbers then rise together.
        work({
          tx,
          async create(order, actor, facts) {
            const blank = { ...order, version: 0, updatedHlc: '' as OrderRecord['updatedHlc'], updatedAt: 0 };
            const done = await write(tx, null, blank, { actor, kind: 'created', facts });
            written.push(done);
            return done.order;
          },
          async change(orderId, actor, expectedVersion, change) {
            const before = await orders.load(tx, orderId);
            if (!before) throw new AppError('NOT_FOUND', 'There is no such order.');
            if (expectedVersion !== null && expectedVersion !== before.version)
              throw new AppError(
                'VERSION_CONFLICT',
                'Somebody changed this order meanwhile; nothing of this was kept.',
                {
                  details: { currentVersion: before.version },
                },
              );
            const changed = await change(before);
            if (!changed) return before;
            const done = await write(tx, before, changed.order, { actor, ...changed });
            written.push(done);
            return done.order;
          },
          async rewrite(orderId, actor, above) {
            const before = await orders.load(tx, orderId);
            if (!before) return null;
            if (above.updatedAt !== null) await deps.hlc.observe(tx, above.updatedAt);
            const parentVersion = Math.max(before.version, above.version);
            const entry = { actor, kind: refreshed, facts: { because: 'sync' } };
            const done = await write(tx, before, before, entry, parentVersion);
            written.push(done);
            return done.order;
          },
        }),
      );
      for (const each of written) deps.onWritten(each);
      return result;
    },
  };
}

/** The members of an order by which a repeat of its creation is told from a correction. */
type Content = Pick<OrderRecord, 'promisedAt' | 'discountCents' | 'paidCents' | 'note'> & {
  readonly items: readonly Pick<OrderItem, 'description' | 'quantity' | 'unit' | 'unitPriceCents' | 'spec'>[];
};

/** Is this what the order was created with? `created` is what the trail keeps of version 1. */
export function isSameContent(created: Readonly<Record<string, unknown>> | null, content: Content): boolean {
  const text = ({ items, promisedAt, discountCents, paidCents, note }: Content): string =>
    JSON.stringify([
      items.map((item) => [
        item.description,
        item.quantity,
        item.unit,
        item.unitPriceCents,
        item.spec.map(({ label, value }) => [label, value]),
      ]),
      promisedAt,
      discountCents,
      paidCents,
      note,
    ]);
  return created !== null && text(created as Content) === text(content);
}

/** What the trail keeps of an order; photos and links have entries of their own, and the link's token is a secret. */
const audited = (order: OrderRecord): Record<string, unknown> => ({
  version: order.version,
  customerId: order.customer.customerId,
  status: order.status,
  stage: order.stage.key,
  items: order.items,
  promisedAt: order.promisedAt,
  discountCents: order.discountCents,
  paidCents: order.paidCents,
  totalCents: orderTotalCents(order),
  note: order.note.slice(0, limits.textMaxChars),
});
