import type { EventHub } from '@sgp/service-kit/sse';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import { mirrorLimits } from '../mirror-limits.ts';
import type { LinkState, OrderRef } from '../orders/order-store.ts';

/** The open event streams of customers' links (`order` events, contract in `@sgp/shared/api/tracking`). */
export type LinkStreams = Disposable & {
  /** Opens a stream and sends the order's version at once. */
  attach(ctx: Context, link: LinkState): void;
  /** Tells an order's streams where it stands now; a stream whose link is dead is ended. */
  changed(state: LinkState): void;
  /** True while somebody looks at this order here. */
  watches(order: OrderRef): boolean;
  /** Every order that somebody looks at here. */
  watched(): readonly OrderRef[];
  readonly size: number;
};

type Stream = {
  readonly response: Context['res'];
  readonly tokenHash: string;
  sentVersion: number;
  expiry: NodeJS.Timeout;
};
type Watched = { readonly order: OrderRef; readonly streams: Set<Stream> };

const keyOf = ({ companyId, establishmentId, orderId }: OrderRef): string =>
  `${companyId}/${establishmentId}/${orderId}`;
/** Longest time that a timer of Node can wait; a stream that outlives it is ended and comes back. */
const timerMaxMs = 2 ** 31 - 1;

export function createLinkStreams(hub: EventHub, now: () => number): LinkStreams {
  const byOrder = new Map<string, Watched>();

  const endAfter = (stream: Pick<Stream, 'response'>, expiresAt: number | null): NodeJS.Timeout =>
    setTimeout(
      () => stream.response.end(),
      Math.min(timerMaxMs, Math.max(0, (expiresAt ?? Number.MAX_SAFE_INTEGER) - now())),
    ).unref();

  return {
    attach(ctx, link) {
      const key = keyOf(link.order);
      const watched = byOrder.get(key) ?? { order: link.order, streams: new Set<Stream>() };
      if (watched.streams.size >= mirrorLimits.streamsPerLinkMax)
        throw new AppError('RATE_LIMITED', 'This link is open too many times; close a page.', {
          details: { retryAfterS: 60 },
        });
      hub.attach(ctx, `stream ${key}`, [{ event: 'order', data: { version: link.version } }]);
      const stream: Stream = {
        response: ctx.res,
        tokenHash: link.tokenHash ?? '',
        sentVersion: link.version,
        expiry: endAfter({ response: ctx.res }, link.expiresAt),
      };
      byOrder.set(key, watched);
      watched.streams.add(stream);
      ctx.res.on('close', () => {
        clearTimeout(stream.expiry);
        watched.streams.delete(stream);
        if (watched.streams.size === 0 && byOrder.get(key) === watched) byOrder.delete(key);
      });
    },
    changed(state) {
      const key = keyOf(state.order);
      const watched = byOrder.get(key);
      if (!watched) return;
      let news = false;
      for (const stream of watched.streams) {
        const dead = state.tokenHash !== stream.tokenHash || (state.expiresAt !== null && state.expiresAt <= now());
        if (dead) {
          stream.response.end();
          continue;
        }
        clearTimeout(stream.expiry);
        stream.expiry = endAfter(stream, state.expiresAt);
        news ||= state.version > stream.sentVersion;
        stream.sentVersion = Math.max(stream.sentVersion, state.version);
      }
      if (news) hub.send(`stream ${key}`, { event: 'order', data: { version: state.version } });
    },
    watches: (order) => byOrder.has(keyOf(order)),
    watched: () => [...byOrder.values()].map(({ order }) => order),
    get size() {
      return hub.size;
    },
    [Symbol.dispose]() {
      for (const { streams } of byOrder.values()) for (const stream of streams) clearTimeout(stream.expiry);
      hub[Symbol.dispose]();
    },
  };
}
