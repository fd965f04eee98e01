import { randomBytes } from 'node:crypto';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { moveOrderBody, newOrderBody, Order, patchOrderBody, promiseBody } from '@sgp/shared/api/orders';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type * as z from 'zod';
import type { Actor, AuditStore } from '../audit/audit-store.ts';
import type { Blocks } from '../blocks/blocks.ts';
import type { CustomerStore } from '../customers/customer-store.ts';
import type { ShopStore } from '../shop/shop-store.ts';
import {
  changePromise,
  checkDate,
  checkMoney,
  editOrder,
  issueLink,
  moveOrder,
  type OrderChange,
  revokeLink,
  toItems,
} from './order-changes.ts';
import type { OrderQueries } from './order-queries.ts';
import { type OrderRecord, orderTotalCents } from './order-record.ts';
import type { OrderStore } from './order-store.ts';
import { toOrder } from './order-view.ts';
import { isSameContent, type OrderWriter } from './order-writer.ts';
import { endStages } from './stages.ts';

/** What the desk does with orders. Each write answers the whole order as it is now; refusals are AppErrors. */
export type OrderService = {
  /** @throws AppError NOT_FOUND */
  get(orderId: string): Promise<Order>;
  /**
   * The same content under the same `orderId` again is a repeat after a lost answer: it answers the order that is there.
   * @throws AppError ALREADY_EXISTS for other content, with the order in `details.current`
   */
  create(body: z.infer<typeof newOrderBody>, actor: Actor): Promise<Order>;
  edit(orderId: string, body: z.infer<typeof patchOrderBody>, actor: Actor): Promise<Order>;
  move(orderId: string, body: z.infer<typeof moveOrderBody>, actor: Actor): Promise<Order>;
  changePromise(orderId: string, body: z.infer<typeof promiseBody>, actor: Actor): Promise<Order>;
  issueLink(orderId: string, actor: Actor): Promise<Order>;
  revokeLink(orderId: string, actor: Actor): Promise<Order>;
};

export type OrderServiceDeps = {
  readonly db: Database;
  readonly orders: Pick<OrderStore, 'load' | 'nextNumber'>;
  readonly queries: Pick<OrderQueries, 'summary'>;
  readonly customers: Pick<CustomerStore, 'find'>;
  readonly shop: Pick<ShopStore, 'stages'>;
  readonly audit: Pick<AuditStore, 'history' | 'created'>;
  readonly writer: OrderWriter;
  readonly blocks: Pick<Blocks, 'mustBeFree'>;
  /** Where customers open their links, without a slash at the end. */
  readonly trackingBaseUrl: string;
};

/** 128 random bits as 22 base64url characters: the capability link. */
const newLinkToken = (): string => randomBytes(16).toString('base64url');

export function createOrderService(deps: OrderServiceDeps): OrderService {
  const { db, orders, writer } = deps;

  const get = async (orderId: string): Promise<Order> => {
    for (;;) {
      const summary = await deps.queries.summary(db, orderId);
      if (!summary) throw new AppError('NOT_FOUND', 'There is no such order.');
      const record = await orders.load(db, orderId);
      const history = await deps.audit.history(db, orderId, limits.historyMaxRows);
      const after = await deps.queries.summary(db, orderId);
      // Somebody wrote between the reads: read again, so that the answer is one version.
      if (record && after?.version === summary.version) return toOrder(after, record, history, deps.trackingBaseUrl);
    }
  };
  const write = async (
    orderId: string,
    actor: Actor,
    expectedVersion: number | null,
    change: (order: OrderRecord, tx: Database) => OrderChange | Promise<OrderChange>,
  ): Promise<Order> => {
    try {
      await writer.transaction(({ tx, ...order }) =>
        order.change(orderId, actor, expectedVersion, (record) => change(record, tx)),
      );
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'VERSION_CONFLICT') throw error;
      throw new AppError(error.code, error.message, { details: { ...error.details, current: await get(orderId) } });
    }
    return get(orderId);
  };

  return {
    get,
    async create(body, actor) {
      checkDate(body.promisedAt);
      const items = toItems(body.items, [], newId);
      checkMoney({ items, discountCents: body.discountCents });
      const orderId = body.orderId ?? newId();
      const isOther = await writer.transaction(async ({ tx, create }) => {
        const known = await orders.load(tx, orderId);
        if (known?.customer.customerId === body.customerId)
          return !isSameContent(await deps.audit.created(tx, 'order', orderId), body);
        if (known) throw new AppError('ALREADY_EXISTS', 'This order exists for another customer; nothing was changed.');
        const customer = await deps.customers.find(tx, body.customerId);
        if (!customer) throw new AppError('NOT_FOUND', 'There is no such customer; the order was not created.');
        await deps.blocks.mustBeFree(tx, 'customer', body.customerId);
        const [first] = await deps.shop.stages(tx);
        if (!first) throw new Error('the shop has no stages');
        const at = Date.now();
        const stage = { key: first.key, label: first.label };
        const order = {
          orderId,
          number: await orders.nextNumber(tx),
          customer,
          status: first.status,
          stage,
          items,
          promisedAt: body.promisedAt,
          discountCents: body.discountCents,
          paidCents: body.paidCents,
          note: body.note,
          createdAt: at,
          moments: { approvedAt: null, startedAt: null, readyAt: null, deliveredAt: null, cancelledAt: null },
          promiseChanges: [],
          timeline: [{ status: first.status, stage, at, who: actor.who }],
          media: [],
          link: { token: newLinkToken(), expiresAt: null, revokedAt: null },
        };
        await create(order, actor, { number: order.number, items: items.length, totalCents: orderTotalCents(order) });
        return false;
      });
      const order = await get(orderId);
      if (isOther)
        throw new AppError('ALREADY_EXISTS', 'This order exists with other content; nothing was changed.', {
          details: { current: order },
        });
      return order;
    },
    edit: (orderId, body, actor) =>
      write(orderId, actor, body.expectedVersion, (order) => editOrder(order, body, newId)),
    move: (orderId, body, actor) =>
      write(orderId, actor, body.expectedVersion, async (order, tx) => {
        const stages = [...(await deps.shop.stages(tx)), endStages.delivered, endStages.cancelled];
        const to = stages.find((stage) => stage.key === body.to);
        if (!to) throw new AppError('STATUS_TRANSITION_INVALID', 'There is no such stage. Nothing was changed.');
        return moveOrder(order, to, { at: Date.now(), who: actor.who });
      }),
    changePromise: (orderId, body, actor) =>
      write(orderId, actor, body.expectedVersion, (order) =>
        changePromise(order, body, { at: Date.now(), who: actor.who }),
      ),
    issueLink: (orderId, actor) => write(orderId, actor, null, (order) => issueLink(order, newLinkToken(), Date.now())),
    revokeLink: (orderId, actor) => write(orderId, actor, null, (order) => revokeLink(order, Date.now())),
  };
}
