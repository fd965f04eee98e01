import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import type { GoodChange } from '../ingest/check-change.ts';
import type { LinkStreams } from '../tracking/link-streams.ts';
import { openOrderNews } from './order-news.ts';
import type { OrderRef, OrderStore } from './order-store.ts';

export type FollowedNews = AsyncDisposable & {
  /** For the push store: tells the other replicas, inside its transaction. */
  readonly announce: (tx: Database, applied: readonly GoodChange<'orders'>[]) => Promise<void>;
};

/** Brings what other replicas commit to the streams that are open here. */
export async function followOrderNews(deps: {
  readonly db: Database;
  readonly orders: Pick<OrderStore, 'linkState'>;
  readonly streams: Pick<LinkStreams, 'changed' | 'watches' | 'watched'>;
  readonly log: Log;
}): Promise<FollowedNews> {
  const { db, orders, streams, log } = deps;
  const tell = async (order: OrderRef): Promise<void> => {
    const state = await orders.linkState(order);
    if (state) streams.changed(state);
  };
  const tellAll = (changed: readonly OrderRef[]): void => {
    for (const order of changed)
      tell(order).catch((err: unknown) => log.warn({ err }, 'an order that changed could not be read for its streams'));
  };
  const news = await openOrderNews(
    db,
    {
      changed: (changed) => tellAll(changed.filter((order) => streams.watches(order))),
      missed: () => tellAll(streams.watched()),
    },
    log,
  );
  return {
    announce: (tx, applied) =>
      news.announce(
        tx,
        applied.map(({ payload }) => payload),
      ),
    [Symbol.asyncDispose]: () => news[Symbol.asyncDispose](),
  };
}
