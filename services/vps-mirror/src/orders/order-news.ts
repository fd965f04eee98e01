import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';
import { openNews } from '../news.ts';
import type { OrderRef } from './order-store.ts';

/** Tells the other replicas on the same PostgreSQL which orders changed. */
export type OrderNews = AsyncDisposable & {
  /** Inside the transaction of a push: the news goes out with its commit. */
  announce(tx: Database, orders: readonly OrderRef[]): Promise<void>;
};

export type OrderNewsListener = {
  /** Orders that another replica committed. */
  readonly changed: (orders: readonly OrderRef[]) => void;
  /** News may have been missed: everything that is shown has to be read again. */
  readonly missed: () => void;
};

const newsSchema = z.object({ companyId: z.string(), establishmentId: z.string(), orderIds: z.array(z.string()) });

/** Opens the news of this replica. */
export async function openOrderNews(db: Database, listener: OrderNewsListener, log: Log): Promise<OrderNews> {
  const hear = (given: unknown): void => {
    const news = newsSchema.safeParse(given);
    if (!news.success) return;
    const { companyId, establishmentId, orderIds } = news.data;
    listener.changed(orderIds.map((orderId) => ({ companyId, establishmentId, orderId })));
  };
  const news = await openNews(db, 'sgp_orders', { heard: hear, missed: listener.missed }, log);
  return {
    async announce(tx, orders) {
      for (let i = 0; i < orders.length; i += mirrorLimits.ordersPerNotificationMax) {
        const part = orders.slice(i, i + mirrorLimits.ordersPerNotificationMax);
        const { companyId, establishmentId } = part[0] as OrderRef;
        await news.tell(tx, { companyId, establishmentId, orderIds: part.map(({ orderId }) => orderId) });
      }
    },
    [Symbol.asyncDispose]: () => news[Symbol.asyncDispose](),
  };
}
