import type { mediaStates } from '@sgp/shared/api/orders';
import type { Hlc } from '@sgp/shared/clock';
import type { ErrorCode } from '@sgp/shared/errors';
import type { mediaKeysSchema } from '@sgp/shared/floor-messages';
import type { OrderStatus } from '@sgp/shared/order-snapshot';
import type * as z from 'zod';

/** An order with all its parts, as the shop keeps it. Times in milliseconds since 1970, money in integer cents. */
export type OrderRecord = {
  readonly orderId: string;
  readonly number: string;
  readonly version: number;
  /** Stamp of this version. */
  readonly updatedHlc: Hlc;
  readonly updatedAt: number;
  readonly customer: OrderCustomer;
  readonly status: OrderStatus;
  readonly stage: StageRef;
  readonly items: readonly OrderItem[];
  readonly promisedAt: number;
  readonly discountCents: number;
  readonly paidCents: number;
  readonly note: string;
  readonly createdAt: number;
  readonly moments: Moments;
  readonly promiseChanges: readonly PromiseChange[];
  readonly timeline: readonly TimelineEntry[];
  readonly media: readonly MediaRecord[];
  readonly link: OrderLink | null;
};

export type StageRef = { readonly key: string; readonly label: string };
export type OrderCustomer = {
  readonly customerId: string;
  readonly name: string;
  readonly firstName: string;
  /** E.164, or null. */
  readonly phone: string | null;
};
export type OrderItem = {
  readonly itemId: string;
  readonly description: string;
  readonly quantity: number;
  readonly unit: string;
  readonly unitPriceCents: number;
  readonly spec: readonly { readonly label: string; readonly value: string }[];
  readonly good: number;
  readonly scrap: number;
};
/** When the order first reached each status of its present way; going back forgets what lies ahead. */
export type Moments = {
  readonly approvedAt: number | null;
  readonly startedAt: number | null;
  readonly readyAt: number | null;
  readonly deliveredAt: number | null;
  readonly cancelledAt: number | null;
};
export type PromiseChange = {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly at: number;
  readonly who: string;
};
export type TimelineEntry = {
  readonly status: OrderStatus;
  readonly stage: StageRef;
  readonly at: number;
  readonly who: string;
};
/** The customer's capability link. The token is a secret: it stays in the shop's database and on paper. */
export type OrderLink = {
  readonly token: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
};
export type MediaState = (typeof mediaStates)[number];
export type MediaRecord = {
  readonly mediaId: string;
  readonly orderId: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly receivedBytes: number;
  readonly state: MediaState;
  readonly stage: StageRef;
  readonly visible: boolean;
  readonly takenAt: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly thumbhash: string | null;
  readonly keys: z.infer<typeof mediaKeysSchema> | null;
  readonly error: { readonly code: ErrorCode; readonly detail: string } | null;
  readonly createdAt: number;
};

export const itemTotalCents = (item: Pick<OrderItem, 'quantity' | 'unitPriceCents'>): number =>
  Math.round(item.quantity * item.unitPriceCents);

/** Sum of the items less the discount. */
export const orderTotalCents = (order: Pick<OrderRecord, 'items' | 'discountCents'>): number =>
  order.items.reduce((sum, item) => sum + itemTotalCents(item), 0) - order.discountCents;

/** First line of the first item; `itemCount` tells how many more there are. */
export const orderTitle = (items: readonly OrderItem[]): string =>
  (items[0]?.description ?? '').split('\n', 1)[0] ?? '';
