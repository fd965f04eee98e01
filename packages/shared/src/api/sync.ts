import * as z from 'zod';
import { errorCodes } from '../errors.ts';
import { uuidSchema } from '../ids.ts';
import { requestIdSchema } from '../sync.ts';
import { downStreams } from '../sync-downlink.ts';
import { timeMs } from './common.ts';

/** The other direction on the sync page: what the Core has for this shop. */
export const syncDownSchema = z.object({
  /** Up to here everything of the Core is applied or set aside. */
  cursor: z.number().int().nonnegative(),
  /** Highest number that the Core said to have for this shop; null: nobody knows it at this moment. */
  head: z.number().int().nonnegative().nullable(),
  lastAnswerAt: timeMs.nullable(),
  /** Why nothing comes although the Core answers. */
  problem: z.object({ code: z.enum(errorCodes), detail: z.string() }).nullable(),
  /** What could not be applied here, newest first: of each entity the newest. */
  parked: z.array(
    z.object({
      stream: z.enum(downStreams),
      entityId: uuidSchema,
      /** What the thing is called, by what came; null when it has no name. */
      name: z.string().nullable(),
      version: z.number().int().positive(),
      code: z.enum(errorCodes),
      detail: z.string(),
      at: timeMs,
    }),
  ),
});
export type SyncDown = z.infer<typeof syncDownSchema>;

/** An outage: written when it began, closed when what it held back had arrived. */
export const syncIncidentSchema = z.object({
  startedAt: timeMs,
  endedAt: timeMs.nullable(),
  /** `NETWORK`: the cloud was out of reach. `STOPPED`: the sending service or the whole computer was off. Else the code that blocked. */
  cause: z.string(),
  peakPending: z.number().int().nonnegative(),
  sent: z.number().int().nonnegative(),
  /** Conflicts that were found while it lasted or when it ended. */
  conflicts: z.number().int().nonnegative(),
  /** When the first comparison after its end was over; null: not compared yet. */
  comparedAt: timeMs.nullable(),
  /** Records of the shop that the newest comparison after its end did not find at the Core. Null: not compared yet. */
  lost: z.number().int().nonnegative().nullable(),
  /** Records that comparisons after its end found missing and sent again. */
  resent: z.number().int().nonnegative(),
});
export type SyncIncident = z.infer<typeof syncIncidentSchema>;

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

/** `POST /api/sync/down/:stream/:entityId/retry` · `GET /api/sync/down/:stream/:entityId` (owner, manager). Refused with the reason's code while it still does not fit. */
export const parkedDownParams = z.strictObject({ stream: z.enum(downStreams), entityId: uuidSchema });

/** `POST /api/sync/parked/:seq/retry` · `GET /api/sync/parked/:seq` (owner, manager) */
export const parkedParams = z.strictObject({ seq: z.coerce.number().int().positive() });

/** A file of what waited, for a shop without Internet (owner, manager). */
export const bundleSchema = z.object({
  bundleId: uuidSchema,
  createdAt: timeMs,
  fileName: z.string(),
  changes: z.number().int(),
  bytes: z.number().int(),
  /** False: a limit left something for the next file. */
  complete: z.boolean(),
  /** Is it still on the server, to be downloaded? */
  kept: z.boolean(),
  /** When its acknowledgement was taken in, and how many changes it settled or set aside. */
  settledAt: timeMs.nullable(),
  settled: z.number().int().nullable(),
  parked: z.number().int().nullable(),
});
export type Bundle = z.infer<typeof bundleSchema>;

/** GET /api/sync/bundle */
export const bundleStateSchema = z.object({ pending: z.number().int(), bundle: bundleSchema.nullable() });
export type BundleState = z.infer<typeof bundleStateSchema>;

/** Answer to POST /api/sync/bundle/ack; `pending`: what waits still. */
export const bundleSettledSchema = z.object({
  bundleId: uuidSchema,
  settled: z.number().int(),
  parked: z.number().int(),
  pending: z.number().int(),
});
export type BundleSettled = z.infer<typeof bundleSettledSchema>;
