import * as z from 'zod';
import { nameField, roles, textField, timeMs } from './api/common.ts';
import { hlcSchema } from './clock.ts';
import { uuidSchema } from './ids.ts';
import { limits } from './limits.ts';
import { orderSnapshotSchema } from './order-snapshot.ts';
import type { StreamName } from './sync.ts';
import type { DownStream } from './sync-downlink.ts';

/** What each stream carries. `sgp` data of the shop that no manager or customer needs (tax numbers, notes, costs) is in none. */

// --- shared entities: written on both sides, field by field ---

/** Kinds whose fields both sides may write. `block` decides whether something may be used. */
export const sharedKinds = ['catalogue', 'block'] as const;
export type SharedKind = (typeof sharedKinds)[number];
export const fieldValueSchema = z.union([z.string().max(limits.textMaxChars), z.number(), z.boolean(), z.null()]);
export type FieldValue = z.infer<typeof fieldValueSchema>;

/** One field of a shared entity: its value, and the stamp under which it was written. */
export const stampedFieldSchema = z.strictObject({ value: fieldValueSchema, at: hlcSchema });
export type StampedField = z.infer<typeof stampedFieldSchema>;
export const sharedEntitySchema = z.strictObject({
  kind: z.enum(sharedKinds),
  entityId: uuidSchema,
  fields: z.record(z.string().max(32), stampedFieldSchema),
});
export type SharedEntity = z.infer<typeof sharedEntitySchema>;

const writerField = z.string().max(limits.nameMaxChars);
/** One write of a field that may stand again; `claimed`: its stamp as written, where that was too far ahead to count. */
const headSchema = z.strictObject({
  ...stampedFieldSchema.shape,
  who: writerField,
  claimed: hlcSchema.exactOptional(),
  followers: z.record(z.string().max(32), fieldValueSchema).exactOptional(),
});
/**
 * A shared entity with the memory of its merge (docs/sync-protocol.md §8.2), as it goes down: with it a shop merges its own
 * open edits as the Core will, or did where the acknowledgement was lost.
 */
export const mergedEntitySchema = z.strictObject({
  ...sharedEntitySchema.shape,
  fields: z.record(
    z.string().max(32),
    z.strictObject({
      ...stampedFieldSchema.shape,
      who: writerField.exactOptional(),
      claimed: hlcSchema.exactOptional(),
      seen: z.array(hlcSchema).max(limits.sharedStampsKeptMax).exactOptional(),
      rest: z.array(headSchema).exactOptional(),
    }),
  ),
  capped: z.record(z.string().max(32), hlcSchema).exactOptional(),
});

/** One act of one person on one entity: the fields written, each with the stamp of the value that the writer saw. */
export const fieldEditSchema = z.strictObject({
  editId: uuidSchema,
  kind: z.enum(sharedKinds),
  entityId: uuidSchema,
  /** Stamp of this act. */
  at: hlcSchema,
  who: nameField,
  /** `saw`: stamp of the value that it replaces; null for none. Another one at the Core means that two wrote without knowing of each other. */
  fields: z.record(z.string().max(32), z.strictObject({ value: fieldValueSchema, saw: hlcSchema.nullable() })),
});
export type FieldEdit = z.infer<typeof fieldEditSchema>;

/** What a catalogue item is made of. Who owns which field: `packages/sync-engine/src/ownership.ts`. */
export const catalogueFields = ['name', 'unit', 'priceCents', 'active', 'minimum', 'place', 'leadDays'] as const;
/** What a block is made of; the entity's id is that of what is blocked. */
export const blockFields = ['subject', 'blocked', 'reason'] as const;

// --- stock ---

export const movementKinds = [
  'receipt',
  'consumption',
  'adjustment',
  'transfer-out',
  'transfer-in',
  'compensation',
] as const;
export const movementStates = ['pending', 'posted', 'voided'] as const;
/**
 * A movement of material. Pending is a reservation; posted and voided are final. The balance of a material is the sum of its
 * posted movements; what is free is that less the pending consumptions.
 */
export const movementSchema = z.strictObject({
  movementId: uuidSchema,
  materialId: uuidSchema,
  kind: z.enum(movementKinds),
  state: z.enum(movementStates),
  /** Signed, in thousandths of the material's unit. */
  quantityMilli: z.number().int().min(-1e12).max(1e12),
  orderId: uuidSchema.optional(),
  transferId: uuidSchema.optional(),
  /** The movement whose shortage this one answers. */
  compensates: uuidSchema.optional(),
  who: nameField,
  reason: textField,
  at: timeMs,
  settledAt: timeMs.nullable(),
});
export type Movement = z.infer<typeof movementSchema>;

export const transferStates = ['requested', 'sent', 'received', 'cancelled'] as const;
/** Material that goes from one establishment of a company to another, through the Core only. */
export const transferSchema = z.strictObject({
  transferId: uuidSchema,
  fromEstablishmentId: uuidSchema,
  toEstablishmentId: uuidSchema,
  materialId: uuidSchema,
  materialName: nameField,
  unit: z.string().max(16),
  quantityMilli: z.number().int().positive().max(1e12),
  state: z.enum(transferStates),
  requestedAt: timeMs,
  sentAt: timeMs.nullable(),
  receivedAt: timeMs.nullable(),
});
export type Transfer = z.infer<typeof transferSchema>;

// --- up only ---

export const customerPayloadSchema = z.strictObject({
  customerId: uuidSchema,
  name: nameField,
  firstName: nameField,
  createdAt: timeMs,
});
export const machinePayloadSchema = z.strictObject({
  machineId: uuidSchema,
  slug: z.string().max(32),
  name: nameField,
  kind: z.string().max(40),
  sector: z.string().max(40),
  createdAt: timeMs,
});
/** Who did what, without what it was before and after: those stay in the shop. */
export const auditPayloadSchema = z.strictObject({
  entryId: uuidSchema,
  at: timeMs,
  who: z.string().max(limits.nameMaxChars),
  entity: z.string().max(16),
  entityId: z.string().max(64),
  action: z.string().max(32),
});
/** What a machine did in one hour. */
export const rollupPayloadSchema = z.strictObject({
  rollupId: uuidSchema,
  machineId: uuidSchema,
  hourStart: timeMs,
  samples: z.number().int().nonnegative(),
  logLines: z.number().int().nonnegative(),
  good: z.number().int().nonnegative(),
  scrap: z.number().int().nonnegative(),
  runningMs: z.number().int().nonnegative(),
});
export type Rollup = z.infer<typeof rollupPayloadSchema>;

export const payloadSchemas = {
  blocks: fieldEditSchema,
  orders: orderSnapshotSchema,
  customers: customerPayloadSchema,
  machines: machinePayloadSchema,
  stock: movementSchema,
  edits: fieldEditSchema,
  audit: auditPayloadSchema,
  rollups: rollupPayloadSchema,
} as const satisfies Readonly<Record<StreamName, z.ZodType>>;

// --- down ---

export const userPayloadSchema = z.strictObject({
  userId: uuidSchema,
  login: z.string().regex(/^[a-z0-9._-]{2,32}$/),
  name: nameField,
  role: z.enum(roles),
  disabled: z.boolean(),
});
export type UserPayload = z.infer<typeof userPayloadSchema>;

export const conflictKinds = ['field', 'order-restored', 'order-unknown', 'stock-negative', 'clock-skew'] as const;
/** Two versions of one thing, of which one could stay: nothing is lost, both are here. */
export const conflictSchema = z.strictObject({
  conflictId: uuidSchema,
  kind: z.enum(conflictKinds),
  /** `catalogue`, `block`, `order`, `stock`. */
  entity: z.string().max(16),
  entityId: uuidSchema,
  field: z.string().max(32).nullable(),
  /** As shown: the value that stands and the one that lost; for whole entities their JSON text. */
  winner: z.strictObject({ text: z.string().max(20_000), at: hlcSchema.nullable(), who: z.string().max(120) }),
  loser: z.strictObject({ text: z.string().max(20_000), at: hlcSchema.nullable(), who: z.string().max(120) }),
  at: timeMs,
  resolvedAt: timeMs.nullable(),
  /** `kept`: the automatic choice stands; `restored`: the loser was written anew. */
  resolution: z.enum(['kept', 'restored']).nullable(),
  /** Who decided it; left out while nobody did, and where two merges found that there is nothing to decide. */
  resolvedBy: z.string().max(120).optional(),
});
export type Conflict = z.infer<typeof conflictSchema>;

export const downPayloadSchemas = {
  blocks: mergedEntitySchema,
  users: userPayloadSchema,
  catalogue: mergedEntitySchema,
  transfers: transferSchema,
  conflicts: conflictSchema,
} as const satisfies Readonly<Record<DownStream, z.ZodType>>;
