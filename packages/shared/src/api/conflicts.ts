import * as z from 'zod';
import { uuidSchema } from '../ids.ts';
import { conflictKinds } from '../sync-payloads.ts';
import { timeMs } from './common.ts';

/** The conflict ledger of the shop: two versions of one thing, of which one stands. Served by production-api below `/api`. */

/** One of the two versions. `text` is JSON: a value, the values of the fields that go together, or a whole entity. */
export const conflictVersionSchema = z.object({
  text: z.string(),
  /** When it was written, by its stamp; null when it has none. */
  at: timeMs.nullable(),
  who: z.string(),
});

export const conflictEntrySchema = z.object({
  conflictId: uuidSchema,
  kind: z.enum(conflictKinds),
  /** `catalogue`, `block`, `order`, `stock`. */
  entity: z.string(),
  entityId: uuidSchema,
  /** What the thing is called here; null when it is not known here. */
  name: z.string().nullable(),
  field: z.string().nullable(),
  /** What stands, and what does not. */
  winner: conflictVersionSchema,
  loser: conflictVersionSchema,
  at: timeMs,
  resolvedAt: timeMs.nullable(),
  /** `kept`: what stands was right. `restored`: what lost was written anew. */
  resolution: z.enum(['kept', 'restored']).nullable(),
  /** Who decided; null while nobody did, or when it settled itself. */
  resolvedBy: z.string().nullable(),
  /** `core`: it came from the cloud. `edge`: found in the shop. */
  origin: z.enum(['core', 'edge']),
  /** Whether `restore` can write what lost anew; `keep` is always possible while it is open. */
  canRestore: z.boolean(),
});
export type ConflictEntry = z.infer<typeof conflictEntrySchema>;

/** GET /api/conflicts?state=&before=&limit= (session) newest first. */
export const conflictsQuery = z.strictObject({
  state: z.enum(['open', 'resolved', 'all']).default('open'),
  /** `nextBefore` of the page before. */
  before: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const conflictsSchema = z.object({
  conflicts: z.array(conflictEntrySchema),
  /** All that wait for a decision, also those that are not on this page. */
  open: z.number().int().nonnegative(),
  nextBefore: z.string().nullable(),
});

// POST /api/conflicts/:id/keep and /restore (owner, manager) answer the entry as it is now. The same decision again answers
// the same; another one is refused with CONFLICT_RESOLVED. What cannot be written anew is refused with
// CONFLICT_NOT_RESTORABLE. At `stock-negative`, keep voids the proposed compensation and restore posts it.
