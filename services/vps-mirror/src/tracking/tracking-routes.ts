import { safeEqual, sha256Hex } from '@sgp/auth/digest';
import { type Route, route } from '@sgp/service-kit/route';
import { trackedOrderSchema, trackingTokenSchema, unlockBody, unlockedSchema } from '@sgp/shared/api/tracking';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import * as z from 'zod';
import type { MediaUrls } from '../media/media-urls.ts';
import type { LinkedOrder, OrderStore } from '../orders/order-store.ts';
import { type NoteShownDeps, noteShown } from '../trail/note-shown.ts';
import type { FactorLimitStore } from './factor-limit-store.ts';
import type { LinkStreams } from './link-streams.ts';
import { toTrackedOrder } from './tracked-order.ts';

export type TrackingDeps = NoteShownDeps & {
  readonly orders: OrderStore;
  readonly streams: LinkStreams;
  readonly mediaUrls: MediaUrls;
  readonly factorLimit: Pick<FactorLimitStore, 'take' | 'giveBack'>;
};

/** Any text is taken: what is no token is as unknown as one that opens nothing. */
const tokenParams = z.object({ token: z.string() });

/**
 * The order behind a token.
 * @returns undefined alike for every token that opens nothing, whatever the reason
 */
export async function findLinked(
  { orders, now }: Pick<TrackingDeps, 'orders' | 'now'>,
  token: string,
): Promise<LinkedOrder | undefined> {
  return trackingTokenSchema.safeParse(token).success ? orders.findByToken(sha256Hex(token), now()) : undefined;
}

/** The customer's API, contract in `@sgp/shared/api/tracking`. Nobody signs in: the token is the right to read. */
export function trackingRoutes(deps: TrackingDeps): readonly Route[] {
  const open = async (ctx: Context, token: string): Promise<LinkedOrder> => {
    ctx.set('x-robots-tag', 'noindex, nofollow');
    const linked = await findLinked(deps, token);
    if (!linked) throw new AppError('NOT_FOUND', 'This link opens nothing (any more). Ask the shop for a new one.');
    return linked;
  };
  const common = { tag: 'tracking', access: 'open', params: tokenParams } as const;
  return [
    route(
      {
        ...common,
        method: 'GET',
        path: '/api/tracking/:token',
        summary: 'The order behind a link',
        answer: trackedOrderSchema,
      },
      async ({ ctx, params }) => {
        const linked = await open(ctx, params.token);
        const order = await toTrackedOrder(linked, deps.mediaUrls);
        await noteShown(deps, linked);
        return order;
      },
    ),
    route(
      {
        ...common,
        method: 'GET',
        path: '/api/tracking/:token/events',
        summary: 'Server-sent events: `order` with the current version',
      },
      async ({ ctx, params }) => {
        const { link } = await open(ctx, params.token);
        deps.streams.attach(ctx, link);
        // What was committed between the reading above and now was announced to nobody: it is looked up once more.
        const state = await deps.orders.linkState(link.order);
        if (state) deps.streams.changed(state);
      },
    ),
    route(
      {
        ...common,
        method: 'POST',
        path: '/api/tracking/:token/unlock',
        summary: 'The prices, after the last 4 digits of the phone',
        body: unlockBody,
        answer: unlockedSchema,
      },
      async ({ ctx, params, body }) => {
        const { snapshot, link } = await open(ctx, params.token);
        const attempt = { tokenHash: link.tokenHash ?? '', address: ctx.ip, nowMs: deps.now() };
        await deps.factorLimit.take(attempt);
        const expected = snapshot.customer.phoneLast4Hash;
        if (expected === undefined || !safeEqual(sha256Hex(`${snapshot.orderId}:${body.last4}`), expected))
          throw new AppError('FACTOR_INVALID', 'These are not the last 4 digits of the phone that the shop knows.');
        await deps.factorLimit.giveBack(attempt);
        return snapshot.money;
      },
    ),
  ];
}
