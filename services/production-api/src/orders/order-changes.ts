import type { newItemSchema, patchOrderBody } from '@sgp/shared/api/orders';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { OrderStatus } from '@sgp/shared/order-snapshot';
import type * as z from 'zod';
import type { Facts } from '../audit/audit-store.ts';
import { type Moments, type OrderItem, type OrderRecord, orderTotalCents, type StageRef } from './order-record.ts';
import { canMove, isOpen } from './stages.ts';

/** The ways in which an order changes, as pure functions. Time, name and ids come in as arguments. */

/** An order as it shall be, and the sentence of its history. Null: nothing changes, so no version is written. */
export type OrderChange = { readonly order: OrderRecord; readonly kind: string; readonly facts: Facts } | null;
/** When, and by whom. */
export type Moment = { readonly at: number; readonly who: string };
type NewItem = z.infer<typeof newItemSchema> & { readonly itemId?: string | undefined };

const earliestMs = Date.UTC(2000, 0, 1);
const latestMs = Date.UTC(2100, 0, 1);

/** @throws AppError BODY_INVALID for a date that no order can have */
export function checkDate(promisedAt: number): void {
  if (promisedAt < earliestMs || promisedAt > latestMs)
    throw invalid('promisedAt', 'The promised date must be between the years 2000 and 2100.');
}

/** @throws AppError BODY_INVALID when the total is below zero or over the limit */
export function checkMoney(order: Pick<OrderRecord, 'items' | 'discountCents'>): void {
  const totalCents = orderTotalCents(order);
  if (totalCents < 0) throw invalid('discountCents', 'The discount is larger than the price of the items.');
  if (totalCents > limits.moneyMaxCents) throw invalid('items', 'The total is over the limit of one order.');
}

const invalid = (path: string, message: string): AppError =>
  new AppError('BODY_INVALID', `${message} Nothing was changed.`, { details: { issues: [{ path, message }] } });

const final = (): AppError =>
  new AppError('STATUS_TRANSITION_INVALID', 'A delivered or cancelled order does not change. Nothing was changed.');

/** Items as they shall be: those with a known id keep what was produced of them, the others are new. */
export function toItems(items: readonly NewItem[], known: readonly OrderItem[], newId: () => string): OrderItem[] {
  const byId = new Map(known.map((item) => [item.itemId, item]));
  return items.map(({ itemId, ...item }) => {
    const old = itemId === undefined ? undefined : byId.get(itemId);
    // An id is used once: a repeat is a new item.
    if (old) byId.delete(old.itemId);
    return { ...item, itemId: old?.itemId ?? newId(), good: old?.good ?? 0, scrap: old?.scrap ?? 0 };
  });
}

/** Items and discount change while the order is open; what was paid, and the note, at any time. */
export function editOrder(order: OrderRecord, patch: z.infer<typeof patchOrderBody>, newId: () => string): OrderChange {
  if (!isOpen(order.status) && (patch.items !== undefined || patch.discountCents !== undefined)) throw final();
  const edited: OrderRecord = {
    ...order,
    items: patch.items === undefined ? order.items : toItems(patch.items, order.items, newId),
    discountCents: patch.discountCents ?? order.discountCents,
    paidCents: patch.paidCents ?? order.paidCents,
    note: patch.note ?? order.note,
  };
  checkMoney(edited);
  const names = ['items', 'discountCents', 'paidCents', 'note'] as const;
  const changed = names.filter((name) => JSON.stringify(order[name]) !== JSON.stringify(edited[name]));
  if (changed.length === 0) return null;
  return {
    order: edited,
    kind: 'edited',
    facts: { fields: changed.join(','), totalCents: orderTotalCents(edited), paidCents: edited.paidCents },
  };
}

const momentOf = {
  received: null,
  approved: 'approvedAt',
  in_production: 'startedAt',
  ready: 'readyAt',
  delivered: 'deliveredAt',
  cancelled: 'cancelledAt',
} as const satisfies Record<OrderStatus, keyof Moments | null>;
const way: readonly OrderStatus[] = ['received', 'approved', 'in_production', 'ready', 'delivered'];

/** Going forward notes the time of the status reached; going back forgets the times that lie ahead. */
export function momentsAfter(moments: Moments, status: OrderStatus, at: number): Moments {
  const next: { -readonly [Name in keyof Moments]: Moments[Name] } = { ...moments };
  const name = momentOf[status];
  if (name) next[name] ??= at;
  if (status === 'cancelled') return next;
  for (const ahead of way.slice(way.indexOf(status) + 1)) {
    const forgotten = momentOf[ahead];
    if (forgotten) next[forgotten] = null;
  }
  return next;
}

/** @throws AppError STATUS_TRANSITION_INVALID when the order cannot go there from its present status */
export function moveOrder(
  order: OrderRecord,
  to: StageRef & { readonly status: OrderStatus },
  { at, who }: Moment,
): OrderChange {
  if (!canMove(order.status, to.status))
    throw new AppError('STATUS_TRANSITION_INVALID', `An order that is ${order.status} cannot become ${to.status}.`, {
      details: { from: order.status, to: to.status },
    });
  if (order.stage.key === to.key) return null;
  const stage = { key: to.key, label: to.label };
  const ended = !isOpen(to.status);
  return {
    order: {
      ...order,
      status: to.status,
      stage,
      moments: momentsAfter(order.moments, to.status, at),
      timeline: [...order.timeline, { status: to.status, stage, at, who }],
      link: order.link && {
        ...order.link,
        expiresAt: ended ? at + limits.trackingLinkLifeAfterDeliveryMs : order.link.expiresAt,
      },
    },
    kind: 'moved',
    facts: {
      from: order.stage.label,
      to: stage.label,
      fromKey: order.stage.key,
      toKey: stage.key,
      fromStatus: order.status,
      toStatus: to.status,
    },
  };
}

export function changePromise(
  order: OrderRecord,
  promise: { readonly promisedAt: number; readonly reason: string },
  { at, who }: Moment,
): OrderChange {
  if (!isOpen(order.status)) throw final();
  checkDate(promise.promisedAt);
  if (promise.promisedAt === order.promisedAt) return null;
  const { promisedAt: to, reason } = promise;
  const from = order.promisedAt;
  return {
    order: { ...order, promisedAt: to, promiseChanges: [...order.promiseChanges, { from, to, reason, at, who }] },
    kind: 'promise',
    facts: { from, to, reason },
  };
}

/** A new link: the one before dies with this version. Of an ended order it lives as long as the first one would have. */
export function issueLink(order: OrderRecord, token: string, at: number): OrderChange {
  const expiresAt = isOpen(order.status) ? null : at + limits.trackingLinkLifeAfterDeliveryMs;
  return {
    order: { ...order, link: { token, expiresAt, revokedAt: null } },
    kind: 'link',
    facts: { action: 'issued' },
  };
}

export function revokeLink(order: OrderRecord, at: number): OrderChange {
  if (!order.link || order.link.revokedAt !== null) return null;
  return { order: { ...order, link: { ...order.link, revokedAt: at } }, kind: 'link', facts: { action: 'revoked' } };
}

/** Adds pieces to the items in order: each is filled up to its quantity, and what is over stays on the last one. */
export function addProduction(
  order: OrderRecord,
  count: { readonly good: number; readonly scrap: number; readonly machineName: string },
): OrderChange {
  const last = order.items.length - 1;
  const open = order.items.findIndex((item) => item.good < item.quantity);
  const current = open === -1 ? last : open;
  let rest = count.good;
  const items = order.items.map((item, index) => {
    const room = index === last ? rest : Math.min(rest, Math.max(0, Math.ceil(item.quantity) - item.good));
    rest -= room;
    return { ...item, good: item.good + room, scrap: item.scrap + (index === current ? count.scrap : 0) };
  });
  return {
    order: { ...order, items },
    kind: 'count',
    facts: { good: count.good, scrap: count.scrap, machine: count.machineName },
  };
}
