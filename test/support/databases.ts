import { openDatabase } from '@sgp/service-kit/database';
import type { Layout } from '../../infra/start/plan.ts';

export type OrderState = {
  readonly orderId: string;
  readonly version: number;
  readonly hash: string;
  readonly status: string;
};

/** What the cloud holds of each order, read from its database file. */
export async function mirroredOrders(at: Layout): Promise<readonly OrderState[]> {
  const db = openDatabase(at.db('core', 'mirror'), { durability: 'full' });
  try {
    const rows = (await db('orders').select('order_id', 'version', 'hash', 'status').orderBy('order_id')) as {
      order_id: string;
      version: number;
      hash: string;
      status: string;
    }[];
    return rows.map((row) => ({
      orderId: row.order_id,
      version: Number(row.version),
      hash: row.hash,
      status: row.status,
    }));
  } finally {
    await db.destroy();
  }
}

/** What the shop holds of each order. */
export async function shopOrders(at: Layout): Promise<readonly Omit<OrderState, 'hash'>[]> {
  const db = openDatabase(at.db('edge', 'production'), { durability: 'full' });
  try {
    const rows = (await db('orders').select('order_id', 'version', 'status').orderBy('order_id')) as {
      order_id: string;
      version: number;
      status: string;
    }[];
    return rows.map((row) => ({ orderId: row.order_id, version: Number(row.version), status: row.status }));
  } finally {
    await db.destroy();
  }
}
