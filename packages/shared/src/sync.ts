import * as z from 'zod';
import { hlcSchema } from './clock.ts';
import { errorCodes } from './errors.ts';
import { sha256HexSchema, uuidSchema } from './ids.ts';
import { limits } from './limits.ts';

/** The wire format of sync, edge to Core (DESIGN §4, docs/sync-protocol.md §4). */

/** 0 control, 1 live, 2 state, 3 bulk: the first to be shed when the disk is full. */
export const lanes = [0, 1, 2, 3] as const;
export type Lane = (typeof lanes)[number];

/**
 * Every stream of the uplink. `state`: a change holds the whole entity, so that the newest makes all earlier ones
 * unnecessary. `append`: each change is an entity of its own, written once, never merged with another.
 */
export const streamRules = {
  /** Decisions to block or unblock, made in the shop. */
  blocks: { lane: 0, kind: 'append', path: '/internal/sync/blocks' },
  orders: { lane: 1, kind: 'state', path: '/internal/sync/pedidos' },
  customers: { lane: 2, kind: 'state', path: '/internal/sync/customers' },
  machines: { lane: 2, kind: 'state', path: '/internal/sync/machines' },
  /** A movement is pending, then posted or voided: its own states follow each other, no two movements are merged. */
  stock: { lane: 2, kind: 'state', path: '/internal/sync/stock' },
  /** Fields of shared entities that were written in the shop. */
  edits: { lane: 2, kind: 'append', path: '/internal/sync/edits' },
  audit: { lane: 2, kind: 'append', path: '/internal/sync/audit' },
  rollups: { lane: 3, kind: 'append', path: '/internal/sync/rollups' },
} as const satisfies Readonly<
  Record<string, { readonly lane: Lane; readonly kind: 'state' | 'append'; readonly path: string }>
>;
export type StreamName = keyof typeof streamRules;
export const streams = Object.keys(streamRules) as [StreamName, ...StreamName[]];
/** Streams that the first version of the wire format knows. */
export const streamsOfVersion1 = ['orders'] as const satisfies readonly StreamName[];

/** Identifies one HTTP request from the browser to the mirror. */
export const requestIdSchema = z.string().regex(/^[A-Za-z0-9-]{8,64}$/);

/** base64url of the first 8 bytes of an entity's digest (`sync-digest.ts`). */
export const digestShortSchema = z.string().regex(/^[A-Za-z0-9_-]{11}$/);

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
  /** The request that made it (version 2): the thread of the event trail. */
  requestId: requestIdSchema.optional(),
  /** Short digests of versions that this one was made from (version 2): what it may replace without a word. */
  lineage: z.array(digestShortSchema).max(limits.syncLineageMax).optional(),
});
export type Change = z.infer<typeof changeSchema>;

const batchMembers = {
  companyId: uuidSchema,
  establishmentId: uuidSchema,
  nodeId: uuidSchema,
  /** Changes when the node's disk is restored or cloned. */
  epoch: uuidSchema,
  /** Grows by at least one with each push of this node, epoch and channel; kept on both sides. */
  pushSeq: z.number().int().positive(),
  /** At or below it, nothing is open at the edge. */
  lowWaterSeq: z.number().int().nonnegative(),
  /** The edge's wall clock when it signed, in milliseconds: the skew is measured from it. */
  sentAtMs: z.number().int(),
  changes: z.array(changeSchema).max(limits.syncBatchMaxChanges),
};

/** What the edge tells of itself with each sign of life, for the manager's view of all establishments. */
export const edgeHealthSchema = z.strictObject({
  pendingChanges: z.number().int().nonnegative(),
  oldestPendingAt: z.number().int().nullable(),
  parkedChanges: z.number().int().nonnegative(),
  pendingMedia: z.number().int().nonnegative(),
  openConflicts: z.number().int().nonnegative(),
  diskFreeBytes: z.number().int().nonnegative().nullable(),
  diskTotalBytes: z.number().int().nonnegative().nullable(),
  version: z.string().max(32),
});
export type EdgeHealth = z.infer<typeof edgeHealthSchema>;

/** Channels of one node: pushes of one channel follow each other, those of different channels travel at once. */
export const syncChannelsMax = 4;

export const pushBatchSchemaV1 = z.strictObject({ schemaVersion: z.literal(1), ...batchMembers });
export type PushBatchV1 = z.infer<typeof pushBatchSchemaV1>;
export const pushBatchSchemaV2 = z.strictObject({
  schemaVersion: z.literal(2),
  ...batchMembers,
  /** 0 is the live channel; the others fill in the backlog. */
  channel: z
    .number()
    .int()
    .min(0)
    .max(syncChannelsMax - 1),
  /** Grows by one with each start of the bridge, durably: two starts with one number are two disks. */
  generation: z.number().int().positive(),
  /** Born with each start of the bridge. */
  instanceId: uuidSchema,
  health: edgeHealthSchema.optional(),
});
export type PushBatchV2 = z.infer<typeof pushBatchSchemaV2>;
/** Body of a push. An empty list of changes is a heartbeat. The Core takes this version and the one before it. */
export const pushBatchSchema = z.discriminatedUnion('schemaVersion', [pushBatchSchemaV1, pushBatchSchemaV2]);
export type PushBatch = z.infer<typeof pushBatchSchema>;
export const wireVersion = 2;

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
  /** First time a version of an order was shown to its customer, since the acknowledgement before (version 2). */
  shown: z
    .array(z.object({ entityId: uuidSchema, version: z.number().int().positive(), at: z.number().int() }))
    .optional(),
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
  /** Changes of the Core that could not be applied here; left out by a bridge that does not count them. */
  parkedDown: z.number().int().nonnegative().optional(),
  /** The edge's clock minus the Core's, in ms; null before the first exchange. */
  clockSkewMs: z.number().int().nullable(),
  ackedSeq: z.number().int().nonnegative(),
  /** Why `failed`. */
  error: z.object({ code: z.enum(errorCodes), detail: z.string() }).nullable(),
  /** The other direction: how far this shop is with what the Core has for it. Left out before the first answer. */
  down: z
    .object({
      cursor: z.number().int().nonnegative(),
      /** Highest number of this shop at the Core; null while no answer of this run told it. */
      head: z.number().int().nonnegative().nullable(),
      lastAnswerAt: z.number().int().nullable(),
      problem: z.object({ code: z.enum(errorCodes), detail: z.string() }).nullable(),
    })
    .optional(),
  /** Version of the Core, as its handshake told. */
  coreVersion: z.string().max(32).optional(),
});
export type SyncStatus = z.infer<typeof syncStatusSchema>;
