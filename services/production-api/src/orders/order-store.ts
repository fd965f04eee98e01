import type { Database } from '@sgp/service-kit/database';
import { mediaFromRow } from '../media/media-store.ts';
import { searchText } from '../search-text.ts';
import { type OrderItem, type OrderRecord, orderTitle, orderTotalCents } from './order-record.ts';

export type OrderStore = {
  /** Reads an order with all its parts; inside a transaction it is the state that the transaction may change. */
  load(tx: Database, orderId: string): Promise<OrderRecord | null>;
  /** Writes what differs from `before`; null for a new order. */
  save(tx: Database, before: OrderRecord | null, after: OrderRecord): Promise<void>;
  /** Next number of the establishment; given back when the transaction fails, so that none is left out. */
  nextNumber(tx: Database): Promise<string>;
  /** The order with this id, this number, or this token of its link. */
  findId(db: Database, by: { orderId: string } | { number: string } | { linkToken: string }): Promise<string | null>;
  /** Open orders, for all or for one customer. */
  openIds(db: Database, customerId?: string): Promise<readonly string[]>;
};

export function createOrderStore(): OrderStore {
  return {
    load,
    async save(tx, before, after) {
      const row = toRow(after);
      if (!before) await tx('orders').insert(row);
      else await tx('orders').where({ order_id: after.orderId }).update(row);
      if (before?.items !== after.items) await saveItems(tx, before?.items ?? [], after);
      await saveTimeline(tx, before?.timeline.length ?? 0, after);
      await savePromiseChanges(tx, before?.promiseChanges.length ?? 0, after);
    },
    async nextNumber(tx) {
      const [row] = await tx('counters')
        .where({ name: 'order-number' })
        .update({ value: tx.raw('value + 1') })
        .returning('value');
      return String(row.value);
    },
    async findId(db, by) {
      const where =
        'orderId' in by
          ? { order_id: by.orderId }
          : 'number' in by
            ? { number: by.number }
            : { link_token: by.linkToken };
      const row = await db('orders').where(where).first('order_id');
      return row?.order_id ?? null;
    },
    async openIds(db, customerId) {
      const rows = await db('orders')
        .whereIn('status', ['received', 'approved', 'in_production', 'ready'])
        .where(customerId === undefined ? {} : { customer_id: customerId })
        .orderBy('order_id')
        .select('order_id');
      return rows.map((row) => row.order_id);
    },
  };
}

async function load(tx: Database, orderId: string): Promise<OrderRecord | null> {
  const row = await tx('orders')
    .join('customers', 'customers.customer_id', 'orders.customer_id')
    .where({ order_id: orderId })
    .first('orders.*', 'customers.name', 'customers.first_name', 'customers.phone');
  if (!row) return null;
  const part = (table: string) => tx(table).where({ order_id: orderId }).orderBy('position');
  const items = await part('order_items');
  const timeline = await part('order_timeline');
  const promiseChanges = await part('order_promise_changes');
  const media = await tx('media').where({ order_id: orderId }).orderBy('created_at').orderBy('media_id');
  return {
    orderId,
    number: row.number,
    version: row.version,
    updatedHlc: row.updated_hlc,
    updatedAt: row.updated_at,
    customer: { customerId: row.customer_id, name: row.name, firstName: row.first_name, phone: row.phone },
    status: row.status,
    stage: { key: row.stage_key, label: row.stage_label },
    items: items.map(itemFromRow),
    promisedAt: row.promised_at,
    discountCents: row.discount_cents,
    paidCents: row.paid_cents,
    note: row.note,
    createdAt: row.created_at,
    moments: {
      approvedAt: row.approved_at,
      startedAt: row.started_at,
      readyAt: row.ready_at,
      deliveredAt: row.delivered_at,
      cancelledAt: row.cancelled_at,
    },
    promiseChanges: promiseChanges.map((change) => ({
      from: change.from_at,
      to: change.to_at,
      reason: change.reason,
      at: change.at,
      who: change.who,
    })),
    timeline: timeline.map((entry) => ({
      status: entry.status,
      stage: { key: entry.stage_key, label: entry.stage_label },
      at: entry.at,
      who: entry.who,
    })),
    media: media.map(mediaFromRow),
    link:
      row.link_token === null
        ? null
        : { token: row.link_token, expiresAt: row.link_expires_at, revokedAt: row.link_revoked_at },
  };
}

const toRow = (order: OrderRecord) => ({
  order_id: order.orderId,
  number: order.number,
  version: order.version,
  updated_hlc: order.updatedHlc,
  updated_at: order.updatedAt,
  customer_id: order.customer.customerId,
  status: order.status,
  stage_key: order.stage.key,
  stage_label: order.stage.label,
  promised_at: order.promisedAt,
  discount_cents: order.discountCents,
  paid_cents: order.paidCents,
  total_cents: orderTotalCents(order),
  note: order.note,
  approved_at: order.moments.approvedAt,
  started_at: order.moments.startedAt,
  ready_at: order.moments.readyAt,
  delivered_at: order.moments.deliveredAt,
  cancelled_at: order.moments.cancelledAt,
  created_at: order.createdAt,
  link_token: order.link?.token ?? null,
  link_expires_at: order.link?.expiresAt ?? null,
  link_revoked_at: order.link?.revokedAt ?? null,
  title: orderTitle(order.items),
  item_count: order.items.length,
  quantity: order.items.reduce((sum, item) => sum + item.quantity, 0),
  search: searchText(order.number, ...order.items.map((item) => item.description)),
});

const itemFromRow = (row: {
  item_id: string;
  description: string;
  quantity: number;
  unit: string;
  unit_price_cents: number;
  spec: string;
  good: number;
  scrap: number;
}): OrderItem => ({
  itemId: row.item_id,
  description: row.description,
  quantity: row.quantity,
  unit: row.unit,
  unitPriceCents: row.unit_price_cents,
  spec: JSON.parse(row.spec),
  good: row.good,
  scrap: row.scrap,
});

async function saveItems(tx: Database, before: readonly OrderItem[], { orderId, items }: OrderRecord): Promise<void> {
  const kept = new Set(items.map((item) => item.itemId));
  const gone = before.filter((item) => !kept.has(item.itemId)).map((item) => item.itemId);
  if (gone.length > 0) await tx('order_items').whereIn('item_id', gone).delete();
  const rows = items.map((item, position) => ({
    item_id: item.itemId,
    order_id: orderId,
    position,
    description: item.description,
    quantity: item.quantity,
    unit: item.unit,
    unit_price_cents: item.unitPriceCents,
    spec: JSON.stringify(item.spec),
    good: item.good,
    scrap: item.scrap,
  }));
  // Fifty rows of ten columns stay far below the number of parameters that either database takes.
  for (let start = 0; start < rows.length; start += 50)
    await tx('order_items')
      .insert(rows.slice(start, start + 50))
      .onConflict('item_id')
      .merge();
}

async function saveTimeline(tx: Database, from: number, { orderId, timeline }: OrderRecord): Promise<void> {
  const rows = timeline.slice(from).map((entry, index) => ({
    order_id: orderId,
    position: from + index,
    status: entry.status,
    stage_key: entry.stage.key,
    stage_label: entry.stage.label,
    at: entry.at,
    who: entry.who,
  }));
  if (rows.length > 0) await tx('order_timeline').insert(rows);
}

async function savePromiseChanges(tx: Database, from: number, { orderId, promiseChanges }: OrderRecord): Promise<void> {
  const rows = promiseChanges.slice(from).map((change, index) => ({
    order_id: orderId,
    position: from + index,
    from_at: change.from,
    to_at: change.to,
    reason: change.reason,
    at: change.at,
    who: change.who,
  }));
  if (rows.length > 0) await tx('order_promise_changes').insert(rows);
}
