import * as z from 'zod';
import { hlcSchema } from './clock.ts';
import { errorCodes } from './errors.ts';
import { sha256HexSchema, uuidSchema } from './ids.ts';
import { limits } from './limits.ts';

/** The wire format of sync (DESIGN §4). */

export const streams = ['orders'] as const;
export type StreamName = (typeof streams)[number];

/** Path of each stream's push; orders keep the name that the plan gave them. */
export const pushPathByStream = { orders: '/internal/sync/pedidos' } as const satisfies Record<StreamName, string>;

/** Lane of each stream: 0 control, 1 live, 2 state, 3 bulk. */
export const laneByStream = { orders: 1 } as const satisfies Record<StreamName, 0 | 1 | 2 | 3>;

/** One change of one entity. `hash` is the SHA-256 of the payload's RFC 8785 form. `seq` is gapless per node and epoch. */
export const changeSchema = z.strictObject({
  seq: z.number().int().positive(),
  id: uuidSchema,
  stream: z.enum(streams),
  entityId: uuidSchema,
  version: z.number().int().positive(),
  parentVersion: z.number().int().nonnegative(),
  updatedAt: hlcSchema,
  op: z.enum(['upsert']),
  payload: z.record(z.string(), z.json()),
  hash: sha256HexSchema,
});
export type Change = z.infer<typeof changeSchema>;

/** Body of a push. An empty list of changes is a heartbeat. */
export const pushBatchSchema = z.strictObject({
  schemaVersion: z.literal(1),
  companyId: uuidSchema,
  establishmentId: uuidSchema,
  nodeId: uuidSchema,
  /** Changes when the node's disk is restored or cloned. */
  epoch: uuidSchema,
  /** Grows by at least one with each push of this node and epoch; kept on both sides. */
  pushSeq: z.number().int().positive(),
  /** At or below it, nothing is open at the edge. */
  lowWaterSeq: z.number().int().nonnegative(),
  /** The edge's wall clock when it signed, in milliseconds: the skew is measured from it. */
  sentAtMs: z.number().int(),
  changes: z.array(changeSchema).max(limits.syncBatchMaxChanges),
});
export type PushBatch = z.infer<typeof pushBatchSchema>;

/** `stale`: a newer version is there. `parked`: kept aside with a reason, because it cannot be applied. */
export const changeOutcomes = ['applied', 'duplicate', 'stale', 'parked'] as const;
export type ChangeOutcome = (typeof changeOutcomes)[number];

export const changeResultSchema = z.object({
  seq: z.number().int().positive(),
  id: uuidSchema,
  outcome: z.enum(changeOutcomes),
  reason: z.object({ code: z.enum(errorCodes), detail: z.string() }).optional(),
});
export type ChangeResult = z.infer<typeof changeResultSchema>;

/** Answer to a push: every change in `results` is committed on the Core. */
export const pushAckSchema = z.object({
  epoch: uuidSchema,
  pushSeq: z.number().int().positive(),
  ackedSeq: z.number().int().nonnegative(),
  /** The Core's time when it committed, in milliseconds. */
  committedAtMs: z.number().int(),
  results: z.array(changeResultSchema),
});
export type PushAck = z.infer<typeof pushAckSchema>;

/** PRODUCT J5.2. */
export const syncStates = ['ok', 'syncing', 'late', 'offline', 'failed', 'paused', 'unknown'] as const;
export type SyncState = (typeof syncStates)[number];

/** What the chip of every screen shows: `sgp/{est}/_bus/sync/status`, retained, and `GET /api/sync`. Times in ms since 1970. */
export const syncStatusSchema = z.object({
  state: z.enum(syncStates),
  /** When this was written. */
  at: z.number().int(),
  /** Last exchange that the Core acknowledged; null before the first. */
  lastAckAt: z.number().int().nullable(),
  /** Since when the cloud is out of reach; null while it is in reach. */
  offlineSince: z.number().int().nullable(),
  pendingChanges: z.number().int().nonnegative(),
  oldestPendingAt: z.number().int().nullable(),
  /** Photos that wait for the cloud. */
  pendingMedia: z.number().int().nonnegative(),
  parkedChanges: z.number().int().nonnegative(),
  /** The edge's clock minus the Core's, in ms; null before the first exchange. */
  clockSkewMs: z.number().int().nullable(),
  ackedSeq: z.number().int().nonnegative(),
  /** Why `failed`. */
  error: z.object({ code: z.enum(errorCodes), detail: z.string() }).nullable(),
});
export type SyncStatus = z.infer<typeof syncStatusSchema>;
