import * as z from 'zod';
import { uuidSchema } from '../ids.ts';
import { movementSchema, transferSchema } from '../sync-payloads.ts';
import { textField } from './common.ts';

/** Material of the shop. Served by production-api below `/api`. Quantities are in thousandths of the material's unit. */

export const materialStockSchema = z.object({
  materialId: uuidSchema,
  name: z.string(),
  unit: z.string().nullable(),
  active: z.boolean(),
  /** Sum of what is posted; below 0 when more was used than was ever booked in. */
  balanceMilli: z.number().int(),
  /** What pending movements will take. */
  reservedMilli: z.number().int(),
  freeMilli: z.number().int(),
  /** The minimum of the catalogue, in thousandths too; null for none. */
  minimumMilli: z.number().int().nullable(),
  blocked: z.object({ reason: z.string() }).nullable(),
});
export type MaterialStock = z.infer<typeof materialStockSchema>;
/** GET /api/stock (session). */
export const stockSchema = z.object({ materials: z.array(materialStockSchema) });

/** GET /api/stock/:id/movements?before=&limit= (session) newest first. */
export const movementsQuery = z.strictObject({
  before: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const movementsSchema = z.object({ movements: z.array(movementSchema), nextBefore: z.string().nullable() });

/** Kinds that a person books; transfers and compensations are made by the system and only posted or voided. */
export const bookedKinds = ['receipt', 'consumption', 'adjustment'] as const;
/** POST /api/stock/movements (session; an adjustment: owner, manager). */
export const newMovementBody = z.strictObject({
  /** Given by the browser, so that a repeat after a lost answer is the same movement. */
  movementId: uuidSchema.optional(),
  materialId: uuidSchema,
  kind: z.enum(bookedKinds),
  /** Pending is a reservation. */
  state: z.enum(['pending', 'posted']).default('posted'),
  /** A receipt is above 0, a consumption below 0. */
  quantityMilli: z.number().int().min(-1e12).max(1e12),
  orderId: uuidSchema.optional(),
  reason: textField.default(''),
});
/**
 * POST /api/stock/movements/:id/post and /void (session; a compensation or an adjustment: owner, manager). The same end again
 * answers the same; the other end is refused with MOVEMENT_SETTLED.
 */
export const movementAnswerSchema = z.object({ movement: movementSchema, material: materialStockSchema });
export type MovementAnswer = z.infer<typeof movementAnswerSchema>;

/** GET /api/stock/transfers (session) newest first: what this shop sends or expects. */
export const transfersSchema = z.object({
  transfers: z.array(
    transferSchema.extend({
      direction: z.enum(['out', 'in']),
      /** The movement of this shop, to be posted when the material goes or has come. */
      movementId: uuidSchema.nullable(),
      movementState: movementSchema.shape.state.nullable(),
    }),
  ),
});
