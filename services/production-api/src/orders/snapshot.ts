import { sha256Hex } from '@sgp/auth/digest';
import { limits } from '@sgp/shared/limits';
import { type OrderSnapshot, orderSnapshotSchemaVersion } from '@sgp/shared/order-snapshot';
import type { Shop } from '../shop/shop-store.ts';
import {
  type MediaRecord,
  type OrderItem,
  type OrderRecord,
  orderTotalCents,
  type TimelineEntry,
} from './order-record.ts';

/** Whose order it is: the node that writes it. */
export type Origin = { readonly companyId: string; readonly establishmentId: string; readonly nodeId: string };

const instant = (ms: number): string => new Date(ms).toISOString();
/** Leaves members out that have no value: the snapshot knows no null there. */
const when = <Name extends string>(name: Name, ms: number | null): { readonly [key in Name]?: string } =>
  ms === null ? {} : ({ [name]: instant(ms) } as { [key in Name]: string });

/**
 * What leaves the shop about an order (DESIGN §10), complete in itself. Pure: the same order gives the same snapshot.
 * No tax number, address, price of an item, spec field or internal note is in it.
 */
export function toSnapshot(order: OrderRecord, origin: Origin, shop: Shop): OrderSnapshot {
  const { moments } = order;
  return {
    schemaVersion: orderSnapshotSchemaVersion,
    companyId: origin.companyId,
    establishmentId: origin.establishmentId,
    originNodeId: origin.nodeId,
    orderId: order.orderId,
    version: order.version,
    updatedAt: order.updatedHlc,
    number: order.number,
    customer: customerOf(order),
    status: order.status,
    stage: order.stage,
    items: order.items.map(itemOf),
    dates: {
      createdAt: instant(order.createdAt),
      ...when('approvedAt', moments.approvedAt),
      ...when('startedAt', moments.startedAt),
      promisedAt: instant(order.promisedAt),
      ...when('readyAt', moments.readyAt),
      ...when('deliveredAt', moments.deliveredAt),
      promiseChanges: order.promiseChanges
        .slice(-limits.orderPromiseChangesMax)
        .map(({ from, to, reason, at }) => ({ from: instant(from), to: instant(to), reason, at: instant(at) })),
    },
    timeline: customerTimeline(order.timeline),
    money: { totalCents: orderTotalCents(order), paidCents: order.paidCents, currency: 'BRL' },
    media: order.media.flatMap(mediaOf).slice(-limits.orderMediaMax),
    tracking: order.link && {
      tokenHash: sha256Hex(order.link.token),
      expiresAt: order.link.expiresAt === null ? null : instant(order.link.expiresAt),
      ...when('revokedAt', order.link.revokedAt),
    },
    shop: {
      name: shop.name,
      phone: shop.phone,
      ...(shop.whatsapp !== '' && { whatsapp: shop.whatsapp }),
      timeZone: shop.timeZone,
    },
  };
}

/** SHA-256 of `{orderId}:{last 4 digits}`: the second factor of the link, useless for another order. */
export function phoneLast4Hash(orderId: string, phone: string | null): string | undefined {
  const digits = phone?.replaceAll(/\D/g, '') ?? '';
  return digits.length < 4 ? undefined : sha256Hex(`${orderId}:${digits.slice(-4)}`);
}

function customerOf({ orderId, customer }: OrderRecord): OrderSnapshot['customer'] {
  const hash = phoneLast4Hash(orderId, customer.phone);
  return {
    customerId: customer.customerId,
    firstName: customer.firstName,
    ...(hash !== undefined && { phoneLast4Hash: hash }),
  };
}

/** `produced` appears once a machine counted; its total is the quantity that was ordered, so that it reads "320 of 500". */
function itemOf({ itemId, description, quantity, unit, good, scrap }: OrderItem): OrderSnapshot['items'][number] {
  return {
    itemId,
    description,
    quantity,
    unit,
    ...(good + scrap > 0 && { produced: { good, total: Math.ceil(quantity) } }),
  };
}

/** The customer sees statuses, not the shop's stages: steps within one status are one entry. The first one is always kept. */
function customerTimeline(timeline: readonly TimelineEntry[]): OrderSnapshot['timeline'] {
  const steps = timeline
    .filter((entry, index) => entry.status !== timeline[index - 1]?.status)
    .map(({ status, at }) => ({ status, at: instant(at) }));
  return steps.length <= limits.orderTimelineMax
    ? steps
    : [...steps.slice(0, 1), ...steps.slice(1 - limits.orderTimelineMax)];
}

function mediaOf(media: MediaRecord): OrderSnapshot['media'] {
  const { mediaId, takenAt, stage, width, height, thumbhash, keys, visible } = media;
  if (media.state !== 'published' || width === null || height === null || thumbhash === null || keys === null)
    return [];
  return [{ mediaId, takenAt: instant(takenAt), stage, width, height, thumbhash, keys, visible }];
}
