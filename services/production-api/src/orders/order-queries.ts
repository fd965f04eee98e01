import type { Database } from '@sgp/service-kit/database';
import type { Board, OrderSummary, ordersQuery, Today } from '@sgp/shared/api/orders';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { OrderStatus } from '@sgp/shared/order-snapshot';
import type { Knex } from 'knex';
import type * as z from 'zod';
import { likePattern } from '../search-text.ts';
import type { ShopStore } from '../shop/shop-store.ts';
import { localDays } from './local-days.ts';
import { openStatuses, unfinishedStatuses } from './stages.ts';

/** Lists of orders, as rows that a screen shows without reading each order. */
export type OrderQueries = {
  list(
    query: z.infer<typeof ordersQuery>,
  ): Promise<{ orders: OrderSummary[]; total: number; nextCursor: string | null }>;
  board(): Promise<Board>;
  today(now: number): Promise<Today>;
  /** Null when there is no such order. */
  summary(db: Database, orderId: string): Promise<OrderSummary | null>;
};

type Filter = (query: Knex.QueryBuilder) => void;

export function createOrderQueries(db: Database, shop: Pick<ShopStore, 'read' | 'stages'>): OrderQueries {
  const open: Filter = (query) => query.whereIn('o.status', [...openStatuses]);
  const byPromise = (filter: Filter, limit: number): Promise<OrderSummary[]> =>
    readSummaries(db, (query) => {
      filter(query);
      query.orderBy('o.promised_at').orderBy('o.order_id').limit(limit);
    });
  const unfinishedBetween =
    (from: number, to: number): Filter =>
    (query) =>
      query
        .whereIn('o.status', [...unfinishedStatuses])
        .where('o.promised_at', '>=', from)
        .where('o.promised_at', '<', to);

  return {
    async list(query) {
      const filter = listFilter(query, Date.now());
      const [counted] = await base(db).modify(filter).count({ orders: '*' });
      const rows = await readSummaries(db, (rowsQuery) => {
        filter(rowsQuery);
        page(rowsQuery, query);
      });
      const orders = rows.slice(0, query.limit);
      const last = orders.at(-1);
      const nextCursor = rows.length > query.limit && last ? `${last.promisedAt}_${last.orderId}` : null;
      return { orders, total: Number(counted?.['orders'] ?? 0), nextCursor };
    },
    async board() {
      const stages = await shop.stages(db);
      const orders = await byPromise(open, limits.boardMaxOrders);
      return {
        columns: stages.map((stage) => ({ stage, orders: orders.filter((order) => order.stage.key === stage.key) })),
      };
    },
    async today(now) {
      const { timeZone } = await shop.read(db);
      const days = localDays(now, 7, timeZone);
      const tomorrow = days[1]?.from ?? now;
      const load = [];
      for (const day of days) {
        const row = await base(db)
          .modify(open)
          .where('o.promised_at', '>=', day.from)
          .where('o.promised_at', '<', day.to)
          .first<{ orders: number; pieces: number | null }>(
            db.raw('count(*) as orders'),
            db.raw('sum(o.quantity) as pieces'),
          );
        load.push({ date: day.date, orders: row?.orders ?? 0, pieces: row?.pieces ?? 0 });
      }
      return {
        late: await byPromise(unfinishedBetween(0, now), limits.pageMaxRows),
        dueToday: await byPromise(unfinishedBetween(now, tomorrow), limits.pageMaxRows),
        readyWaiting: await byPromise((query) => query.where('o.status', 'ready'), limits.pageMaxRows),
        load,
      };
    },
    async summary(tx, orderId) {
      const [row] = await readSummaries(tx, (query) => query.where('o.order_id', orderId));
      return row ?? null;
    },
  };
}

const base = (db: Database) => db('orders as o').join('customers as c', 'c.customer_id', 'o.customer_id');

function listFilter(query: z.infer<typeof ordersQuery>, now: number): Filter {
  return (rows) => {
    const { q, status, stage, late, open } = query;
    if (status !== undefined) rows.where('o.status', status);
    if (stage !== undefined) rows.where('o.stage_key', stage);
    if (open !== undefined) rows.whereIn('o.status', [...openStatuses]);
    if (late !== undefined) rows.whereIn('o.status', [...unfinishedStatuses]).where('o.promised_at', '<', now);
    if (q === undefined || q.trim() === '') return;
    const pattern = likePattern(q);
    rows.where((or) =>
      or.whereRaw(`o.search like ? escape '\\'`, [pattern]).orWhereRaw(`c.search like ? escape '\\'`, [pattern]),
    );
  };
}

/** One row more than the page is read, to know whether there is a next one. */
function page(rows: Knex.QueryBuilder, { after, limit }: z.infer<typeof ordersQuery>): void {
  if (after !== undefined) {
    const cursor = /^(\d{1,15})_([0-9a-f-]{36})$/.exec(after);
    if (!cursor) throw new AppError('BODY_INVALID', 'The cursor `after` is none of ours: begin with the first page.');
    const at = Number(cursor[1]);
    rows.where((next) =>
      next
        .where('o.promised_at', '>', at)
        .orWhere((same) => same.where('o.promised_at', at).where('o.order_id', '>', String(cursor[2]))),
    );
  }
  rows
    .orderBy('o.promised_at')
    .orderBy('o.order_id')
    .limit(limit + 1);
}

type SummaryRow = {
  order_id: string;
  number: string;
  version: number;
  customer_id: string;
  status: OrderStatus;
  stage_key: string;
  stage_label: string;
  title: string;
  item_count: number;
  quantity: number;
  promised_at: number;
  total_cents: number;
  paid_cents: number;
  updated_at: number;
  name: string;
  phone: string | null;
  acked_version: number | null;
  photo_count: number;
  cover: string | null;
};

async function readSummaries(db: Database, narrow: Filter): Promise<OrderSummary[]> {
  const photos = 'from media m where m.order_id = o.order_id and m.state in';
  const rows: SummaryRow[] = await base(db)
    .leftJoin('sync_entities as s', (on) => on.on('s.entity_id', 'o.order_id').andOnVal('s.stream', 'orders'))
    .modify(narrow)
    .select(
      'o.order_id',
      'o.number',
      'o.version',
      'o.customer_id',
      'o.status',
      'o.stage_key',
      'o.stage_label',
      'o.title',
      'o.item_count',
      'o.quantity',
      'o.promised_at',
      'o.total_cents',
      'o.paid_cents',
      'o.updated_at',
      'c.name',
      'c.phone',
      's.acked_version',
      db.raw(`(select count(*) ${photos} ('uploaded', 'derived', 'published')) as photo_count`),
      db.raw(
        `(select m.media_id ${photos} ('derived', 'published') order by m.created_at, m.media_id limit 1) as cover`,
      ),
    );
  return rows.map((row) => ({
    orderId: row.order_id,
    number: row.number,
    version: row.version,
    customer: { customerId: row.customer_id, name: row.name, phone: row.phone },
    status: row.status,
    stage: { key: row.stage_key, label: row.stage_label },
    title: row.title,
    itemCount: row.item_count,
    quantity: row.quantity,
    promisedAt: row.promised_at,
    totalCents: row.total_cents,
    paidCents: row.paid_cents,
    photoCount: Number(row.photo_count),
    coverMediaId: row.cover,
    synced: row.acked_version !== null && row.acked_version >= row.version,
    updatedAt: row.updated_at,
  }));
}
