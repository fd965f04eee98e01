import * as z from 'zod';
import { hlcSchema } from './clock.ts';
import { mediaKeysSchema } from './floor-messages.ts';
import { sha256HexSchema, uuidSchema } from './ids.ts';
import { limits } from './limits.ts';

/** Logic of an order's life; the shop's own words are stages. */
export const orderStatuses = ['received', 'approved', 'in_production', 'ready', 'delivered', 'cancelled'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

const shortText = z.string().max(limits.nameMaxChars);
/** UTC, ISO 8601 with `Z`. */
export const instantSchema = z.iso.datetime();
const cents = z.number().int().min(0).max(limits.moneyMaxCents);

export const orderSnapshotSchemaVersion = 1;

export const stageRefSchema = z.strictObject({ key: z.string().regex(/^[a-z0-9_]{1,32}$/), label: shortText });
export const promiseChangeSchema = z.strictObject({
  from: instantSchema,
  to: instantSchema,
  reason: z.string().max(limits.textMaxChars),
  at: instantSchema,
});
export const snapshotMediaSchema = z.strictObject({
  mediaId: uuidSchema,
  takenAt: instantSchema,
  stage: stageRefSchema,
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  thumbhash: z.string().max(64),
  keys: mediaKeysSchema,
  visible: z.boolean(),
});

/**
 * The PedidoBase (DESIGN §10): all that leaves the shop about an order, complete in itself, so that the newest version
 * makes every earlier one unnecessary. It holds no tax number, address, cost or internal note. Unknown members are refused.
 */
export const orderSnapshotSchema = z.strictObject({
  schemaVersion: z.literal(orderSnapshotSchemaVersion),
  companyId: uuidSchema,
  establishmentId: uuidSchema,
  originNodeId: uuidSchema,
  orderId: uuidSchema,
  /** 1, 2, 3 … per order. */
  version: z.number().int().positive(),
  updatedAt: hlcSchema,
  /** Unique in the establishment, born offline. */
  number: z.string().regex(/^[0-9A-Z-]{1,20}$/),
  customer: z.strictObject({
    customerId: uuidSchema,
    firstName: shortText,
    /** SHA-256 of `{orderId}:{last 4 digits}`: the second factor of the link. */
    phoneLast4Hash: sha256HexSchema.optional(),
  }),
  status: z.enum(orderStatuses),
  stage: stageRefSchema,
  items: z
    .array(
      z.strictObject({
        itemId: uuidSchema,
        description: z.string().max(limits.textMaxChars),
        quantity: z.number().positive(),
        unit: z.string().max(16),
        produced: z
          .strictObject({ good: z.number().int().nonnegative(), total: z.number().int().nonnegative() })
          .optional(),
      }),
    )
    .max(limits.orderItemsMax),
  dates: z.strictObject({
    createdAt: instantSchema,
    approvedAt: instantSchema.optional(),
    startedAt: instantSchema.optional(),
    promisedAt: instantSchema,
    readyAt: instantSchema.optional(),
    deliveredAt: instantSchema.optional(),
    promiseChanges: z.array(promiseChangeSchema).max(limits.orderPromiseChangesMax),
  }),
  /** What the customer sees, in order; bounded. */
  timeline: z.array(z.strictObject({ status: z.enum(orderStatuses), at: instantSchema })).max(limits.orderTimelineMax),
  /** Shown only after the second factor of the link. */
  money: z.strictObject({ totalCents: cents, paidCents: cents, currency: z.literal('BRL') }),
  media: z.array(snapshotMediaSchema).max(limits.orderMediaMax),
  /** The link's token never leaves the shop: only its SHA-256 does. Null before a link was issued. */
  tracking: z
    .strictObject({
      tokenHash: sha256HexSchema,
      expiresAt: instantSchema.nullable(),
      revokedAt: instantSchema.optional(),
    })
    .nullable(),
  shop: z.strictObject({
    name: shortText,
    phone: z.string().max(20),
    whatsapp: z.string().max(20).optional(),
    timeZone: z.string().max(64),
  }),
});
export type OrderSnapshot = z.infer<typeof orderSnapshotSchema>;
