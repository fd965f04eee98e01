import * as z from 'zod';
import { requestIdSchema } from '../sync.ts';
import { timeMs } from './common.ts';

/** GET /api/orders/:id/trail: where each recent version of an order has been, newest first. */
export const trailSchema = z.object({
  versions: z.array(
    z.object({
      version: z.number().int(),
      requestId: requestIdSchema.nullable(),
      committedAt: timeMs,
      sentAt: timeMs.nullable(),
      /** By the Core's clock. */
      appliedAt: timeMs.nullable(),
      ackedAt: timeMs.nullable(),
      /** First time that the customer's page showed it, by the Core's clock. */
      shownAt: timeMs.nullable(),
    }),
  ),
});
export type Trail = z.infer<typeof trailSchema>;

/** `POST /api/sync/parked/:seq/retry` · `GET /api/sync/parked/:seq` (owner, manager) */
export const parkedParams = z.strictObject({ seq: z.coerce.number().int().positive() });
