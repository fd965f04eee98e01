import * as z from 'zod';
import { errorCodes } from '../errors.ts';
import { uuidSchema } from '../ids.ts';
import { limits } from '../limits.ts';
import { orderStatuses, stageRefSchema } from '../order-snapshot.ts';
import { centsField, expectedVersion, nameField, textField, timeMs } from './common.ts';

/** Customers, orders, photos, the board and the first screen. Served by production-api below `/api`, session needed. */

// --- customers: GET /api/customers?q=&limit= · POST /api/customers · GET, PATCH /api/customers/:id
const phoneField = z
  .string()
  .trim()
  .regex(/^\+?[0-9 ()-]{8,20}$/, 'must be a phone number');
/** CPF or CNPJ, upper case (a CNPJ has letters since July 2026), digits and letters only after saving. */
const taxIdField = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[0-9A-Z./-]{11,18}$/, 'must be a CPF or CNPJ');
export const newCustomerBody = z.strictObject({
  /** Given by the browser, so that a repeat after a lost answer is the same customer; made by the server when left out. */
  customerId: uuidSchema.optional(),
  name: nameField,
  /** The name that the customer is greeted by; the first word of `name` when left out. */
  firstName: nameField.optional(),
  phone: phoneField.optional(),
  email: z.email().max(200).optional(),
  taxId: taxIdField.optional(),
  note: textField.optional(),
});
export const patchCustomerBody = newCustomerBody.omit({ customerId: true }).partial();
export const customerSchema = z.object({
  customerId: uuidSchema,
  name: z.string(),
  firstName: z.string(),
  phone: z.string().nullable(),
  email: z.string().nullable(),
  taxId: z.string().nullable(),
  note: z.string(),
  openOrders: z.number().int(),
  createdAt: timeMs,
});
export const customersSchema = z.object({ customers: z.array(customerSchema) });
export type Customer = z.infer<typeof customerSchema>;

// --- stages: part of GET /api/settings; the order of the list is the order of the board
export const stageSchema = stageRefSchema.extend({ status: z.enum(orderStatuses) });
export type Stage = z.infer<typeof stageSchema>;

// --- photos
export const mediaStates = ['uploading', 'uploaded', 'derived', 'published', 'refused'] as const;
export const mediaSchema = z.object({
  mediaId: uuidSchema,
  orderId: uuidSchema,
  fileName: z.string(),
  sizeBytes: z.number().int(),
  receivedBytes: z.number().int(),
  state: z.enum(mediaStates),
  stage: stageRefSchema,
  visible: z.boolean(),
  takenAt: timeMs,
  width: z.number().int().nullable(),
  height: z.number().int().nullable(),
  thumbhash: z.string().nullable(),
  /** Why `refused`; the screen says it in words. */
  error: z.object({ code: z.enum(errorCodes), detail: z.string() }).nullable(),
});
export type Media = z.infer<typeof mediaSchema>;
/**
 * POST /api/orders/:id/media starts an upload; `mediaId` comes from the browser (UUIDv7), so that a repeat is the same upload.
 * Then PATCH /api/media/:id/content, `content-type: application/octet-stream`, header `upload-offset`, body ≤ mediaChunkMaxBytes, until `receivedBytes === sizeBytes`
 * (409 UPLOAD_OFFSET_MISMATCH carries `details.offset`). GET /api/media/:id tells where it stands.
 * PATCH /api/media/:id {visible} · DELETE /api/media/:id · POST /api/media/:id/retry
 * GET /api/media/:id/preview/:preset (160 | 480 | 1280, WebP, from the shop's disk) · GET /api/media/:id/original
 */
export const newMediaBody = z.strictObject({
  mediaId: uuidSchema,
  fileName: z.string().min(1).max(200),
  sizeBytes: z.number().int().positive(),
  visible: z.boolean().optional(),
});
export const patchMediaBody = z.strictObject({ visible: z.boolean() });

// --- orders
export const specFieldSchema = z.strictObject({ label: nameField, value: textField });
export const newItemSchema = z.strictObject({
  description: z.string().trim().min(1).max(limits.textMaxChars),
  quantity: z.number().positive().max(1_000_000),
  unit: z.string().trim().min(1).max(16).default('un'),
  unitPriceCents: centsField,
  spec: z.array(specFieldSchema).max(limits.specFieldsPerItemMax).default([]),
});
/** POST /api/orders. Price: sum of the items less `discountCents`. */
export const newOrderBody = z.strictObject({
  /** Given by the browser, so that a repeat after a lost answer is the same order; made by the server when left out. */
  orderId: uuidSchema.optional(),
  customerId: uuidSchema,
  items: z.array(newItemSchema).min(1).max(limits.orderItemsMax),
  promisedAt: timeMs,
  discountCents: centsField.default(0),
  paidCents: centsField.default(0),
  note: textField.default(''),
});
/** PATCH /api/orders/:id */
export const patchOrderBody = z.strictObject({
  expectedVersion,
  items: z
    .array(newItemSchema.extend({ itemId: uuidSchema.optional() }))
    .min(1)
    .max(limits.orderItemsMax)
    .optional(),
  discountCents: centsField.optional(),
  paidCents: centsField.optional(),
  note: textField.optional(),
});
/** POST /api/orders/:id/move: to a stage of the board, or to the end (`delivered`), or off it (`cancelled`). */
export const moveOrderBody = z.strictObject({
  expectedVersion,
  to: z.union([stageRefSchema.shape.key, z.enum(['delivered', 'cancelled'])]),
});
/** POST /api/orders/:id/promise: a changed date carries a reason that the customer reads. */
export const promiseBody = z.strictObject({
  expectedVersion,
  promisedAt: timeMs,
  reason: z.string().trim().min(3).max(limits.textMaxChars),
});
/** POST /api/orders/:id/link issues the customer's link or a new one (the old dies); DELETE revokes it. */
export const linkSchema = z.object({ url: z.string(), expiresAt: timeMs.nullable() });

export const orderSummarySchema = z.object({
  orderId: uuidSchema,
  number: z.string(),
  version: z.number().int(),
  customer: z.object({ customerId: uuidSchema, name: z.string(), phone: z.string().nullable() }),
  status: z.enum(orderStatuses),
  stage: stageRefSchema,
  /** First item's description and how many more there are. */
  title: z.string(),
  itemCount: z.number().int(),
  quantity: z.number(),
  promisedAt: timeMs,
  totalCents: z.number().int(),
  paidCents: z.number().int(),
  photoCount: z.number().int(),
  /** First preview that can be shown, or null. */
  coverMediaId: uuidSchema.nullable(),
  /** True once the Core acknowledged this very version. */
  synced: z.boolean(),
  updatedAt: timeMs,
});
export type OrderSummary = z.infer<typeof orderSummarySchema>;
export const orderItemSchema = newItemSchema.extend({
  itemId: uuidSchema,
  produced: z.object({ good: z.number().int(), scrap: z.number().int() }),
});
export const historyEntrySchema = z.object({
  at: timeMs,
  who: z.string(),
  kind: z.enum(['created', 'edited', 'moved', 'promise', 'link', 'media', 'count', 'scan']),
  /** Sentence parts by kind; the screen writes the sentence. */
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;
/** GET /api/orders/:id and the answer of every write. */
export const orderSchema = orderSummarySchema.extend({
  items: z.array(orderItemSchema),
  discountCents: z.number().int(),
  note: z.string(),
  dates: z.object({
    createdAt: timeMs,
    approvedAt: timeMs.nullable(),
    startedAt: timeMs.nullable(),
    readyAt: timeMs.nullable(),
    deliveredAt: timeMs.nullable(),
    cancelledAt: timeMs.nullable(),
    promiseChanges: z.array(z.object({ from: timeMs, to: timeMs, reason: z.string(), at: timeMs, who: z.string() })),
  }),
  timeline: z.array(z.object({ status: z.enum(orderStatuses), stage: stageRefSchema, at: timeMs, who: z.string() })),
  media: z.array(mediaSchema),
  link: linkSchema.nullable(),
  history: z.array(historyEntrySchema),
});
export type Order = z.infer<typeof orderSchema>;
/** GET /api/orders?q=&status=&stage=&late=1&open=1&limit=&after= ; sorted by promised date. */
export const ordersQuery = z.strictObject({
  q: z.string().max(100).optional(),
  status: z.enum(orderStatuses).optional(),
  stage: z.string().max(32).optional(),
  late: z.literal('1').optional(),
  open: z.literal('1').optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageMaxRows).default(50),
  /** `nextCursor` of the page before. */
  after: z.string().max(100).optional(),
});
export const ordersSchema = z.object({
  orders: z.array(orderSummarySchema),
  total: z.number().int(),
  nextCursor: z.string().nullable(),
});
/** GET /api/board: the open orders of every stage, promised date first. */
export const boardSchema = z.object({
  columns: z.array(z.object({ stage: stageSchema, orders: z.array(orderSummarySchema) })),
});
export type Board = z.infer<typeof boardSchema>;
/** GET /api/today */
export const todaySchema = z.object({
  late: z.array(orderSummarySchema),
  dueToday: z.array(orderSummarySchema),
  readyWaiting: z.array(orderSummarySchema),
  /** Open orders promised on each of the next seven days, today first, in the shop's time zone. */
  load: z.array(z.object({ date: z.string(), orders: z.number().int(), pieces: z.number() })),
});
export type Today = z.infer<typeof todaySchema>;
