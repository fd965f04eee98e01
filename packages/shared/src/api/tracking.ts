import * as z from 'zod';
import { mediaPresets } from '../floor-messages.ts';
import { uuidSchema } from '../ids.ts';
import { instantSchema, orderStatuses, promiseChangeSchema, stageRefSchema } from '../order-snapshot.ts';
import { timeMs } from './common.ts';

/**
 * What the customer's page reads from the mirror with a capability link (`/p/{token}`, token = 22 base64url characters).
 * GET /api/tracking/:token → {@link trackedOrderSchema}; an unknown, revoked or expired token answers 404 NOT_FOUND, always alike.
 * GET /api/tracking/:token/events → server-sent events `order` (data: {version}), first one at once.
 * POST /api/tracking/:token/unlock {last4} → {@link unlockedSchema}, rate-limited (FACTOR_INVALID, RATE_LIMITED).
 */
export const trackingTokenSchema = z.string().regex(/^[A-Za-z0-9_-]{22}$/);

const urls = z.object({ webp: z.string(), jpg: z.string() });
export const trackedOrderSchema = z.object({
  orderId: uuidSchema,
  version: z.number().int(),
  number: z.string(),
  firstName: z.string(),
  status: z.enum(orderStatuses),
  stage: stageRefSchema,
  items: z.array(
    z.object({
      description: z.string(),
      quantity: z.number(),
      unit: z.string(),
      produced: z.object({ good: z.number(), total: z.number() }).optional(),
    }),
  ),
  dates: z.object({
    createdAt: instantSchema,
    promisedAt: instantSchema,
    readyAt: instantSchema.optional(),
    deliveredAt: instantSchema.optional(),
    promiseChanges: z.array(promiseChangeSchema),
  }),
  timeline: z.array(z.object({ status: z.enum(orderStatuses), at: instantSchema })),
  /** Signed addresses, good for signedMediaUrlLifeS; fetch the order again for new ones. */
  media: z.array(
    z.object({
      mediaId: uuidSchema,
      takenAt: instantSchema,
      stage: stageRefSchema,
      width: z.number(),
      height: z.number(),
      thumbhash: z.string(),
      urls: z.record(z.enum(mediaPresets.map(String) as ['160', '480', '1280']), urls),
    }),
  ),
  shop: z.object({ name: z.string(), phone: z.string(), whatsapp: z.string().optional(), timeZone: z.string() }),
  /** True when a phone is known, so that {@link unlockedSchema} can be asked for. */
  canUnlock: z.boolean(),
  /** When the mirror took this version. */
  receivedAt: timeMs,
});
export type TrackedOrder = z.infer<typeof trackedOrderSchema>;
export const unlockBody = z.strictObject({ last4: z.string().regex(/^\d{4}$/) });
export const unlockedSchema = z.object({
  totalCents: z.number().int(),
  paidCents: z.number().int(),
  currency: z.literal('BRL'),
});
