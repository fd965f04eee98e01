import * as z from 'zod';
import { uuidSchema } from '../ids.ts';
import { limits } from '../limits.ts';
import { textField, timeMs } from './common.ts';

/** The company's catalogue and what is blocked. Served by production-api below `/api`. */

/** A material or service. Name, unit, price and whether it is sold come from the cloud; the rest is written in the shop too. */
export const catalogueItemSchema = z.object({
  itemId: uuidSchema,
  name: z.string(),
  unit: z.string().nullable(),
  priceCents: z.number().nullable(),
  active: z.boolean(),
  minimum: z.number().nullable(),
  place: z.string().nullable(),
  leadDays: z.number().nullable(),
  /** Why it may not be used; null while it may. */
  blocked: z.object({ reason: z.string() }).nullable(),
});
export type CatalogueItem = z.infer<typeof catalogueItemSchema>;
/** GET /api/catalogue (session). */
export const catalogueSchema = z.object({ items: z.array(catalogueItemSchema) });
/** PATCH /api/catalogue/:id (owner, manager). */
export const patchCatalogueBody = z.strictObject({
  minimum: z.number().min(0).max(1e9).nullable().optional(),
  place: z.string().trim().max(limits.nameMaxChars).nullable().optional(),
  leadDays: z.number().int().min(0).max(3650).nullable().optional(),
});

export const blockSubjects = ['customer', 'material', 'machine'] as const;
export type BlockSubject = (typeof blockSubjects)[number];
export const blockSchema = z.object({
  entityId: uuidSchema,
  subject: z.enum(blockSubjects),
  /** What it is called here; null when it is not known here. */
  name: z.string().nullable(),
  blocked: z.boolean(),
  reason: z.string(),
  /** When it was decided, by its stamp. */
  at: timeMs,
});
export type Block = z.infer<typeof blockSchema>;
/** GET /api/blocks (session): what is blocked now. */
export const blocksSchema = z.object({ blocks: z.array(blockSchema) });
/** PUT /api/blocks/:id (owner, manager): the id is that of the customer, material or machine. */
export const putBlockBody = z.strictObject({
  subject: z.enum(blockSubjects),
  blocked: z.boolean(),
  reason: textField,
});
