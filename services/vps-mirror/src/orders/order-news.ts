import { type Database, isPostgres } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Log } from '@sgp/service-kit/log';
import * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';
import type { OrderRef } from './order-store.ts';

/** Tells the other replicas on the same PostgreSQL which orders changed. With SQLite there is only this process. */
export type OrderNews = AsyncDisposable & {
  /** Inside the transaction of a push: the news goes out with its commit. */
  announce(tx: Database, orders: readonly OrderRef[]): Promise<void>;
};

export type NewsListener = {
  /** Orders that another replica committed. */
  readonly changed: (orders: readonly OrderRef[]) => void;
  /** News may have been missed: everything that is shown has to be read again. */
  readonly missed: () => void;
};

const channel = 'sgp_orders';
const newsSchema = z.object({
  from: z.string(),
  companyId: z.string(),
  establishmentId: z.string(),
  orderIds: z.array(z.string()),
});

/** A raw connection of the driver below knex; only what LISTEN needs. */
type Listening = {
  query(text: string): Promise<unknown>;
  on(event: 'notification', listener: (message: { readonly payload?: string }) => void): unknown;
  on(event: 'error' | 'end', listener: (error?: unknown) => void): unknown;
  end(): Promise<void>;
};

/** Opens the news of this replica; with PostgreSQL it keeps one connection of its own for them. */
export async function openOrderNews(db: Database, listener: NewsListener, log: Log): Promise<OrderNews> {
  if (!isPostgres(db)) return { announce: async () => {}, [Symbol.asyncDispose]: async () => {} };
  const replicaId = newId();
  let closed = false;
  let connection: Listening | undefined;
  let retry: NodeJS.Timeout | undefined;

  const hear = (payload: string): void => {
    const news = newsSchema.safeParse(parseJson(payload));
    if (!news.success || news.data.from === replicaId) return;
    const { companyId, establishmentId, orderIds } = news.data;
    listener.changed(orderIds.map((orderId) => ({ companyId, establishmentId, orderId })));
  };
  const connect = async (): Promise<void> => {
    const fresh = (await db.client.acquireRawConnection()) as Listening;
    let lost = false;
    const reconnect = (err?: unknown): void => {
      if (lost || closed) return;
      lost = true;
      connection = undefined;
      log.warn({ err }, 'the connection for news is lost; it is opened again');
      again();
    };
    fresh.on('error', reconnect);
    fresh.on('end', reconnect);
    fresh.on('notification', ({ payload }) => hear(payload ?? ''));
    await fresh.query(`listen ${channel}`);
    connection = fresh;
    listener.missed();
  };
  const again = (): void => {
    retry = setTimeout(() => {
      connect().catch((err: unknown) => {
        log.warn({ err }, 'the connection for news cannot be opened yet');
        if (!closed) again();
      });
    }, mirrorLimits.newsReconnectMs);
  };

  await connect();
  return {
    async announce(tx, orders) {
      for (let i = 0; i < orders.length; i += mirrorLimits.ordersPerNotificationMax) {
        const part = orders.slice(i, i + mirrorLimits.ordersPerNotificationMax);
        const { companyId, establishmentId } = part[0] as OrderRef;
        const news = { from: replicaId, companyId, establishmentId, orderIds: part.map(({ orderId }) => orderId) };
        await tx.raw('select pg_notify(?, ?)', [channel, JSON.stringify(news)]);
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(retry);
      await connection?.end();
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
