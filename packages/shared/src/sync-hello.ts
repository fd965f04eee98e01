import * as z from 'zod';
import { uuidSchema } from './ids.ts';
import { syncChannelsMax } from './sync.ts';

/** The handshake of a bridge with the Core (docs/sync-protocol.md §4.2), signed as every push is: `POST /internal/sync/hello`. */
export const helloPath = '/internal/sync/hello';

/** Said at each start, after each outage, and whenever the Core refuses an instance that it does not know as the present one. */
export const helloSchema = z.strictObject({
  schemaVersion: z.literal(2),
  companyId: uuidSchema,
  establishmentId: uuidSchema,
  nodeId: uuidSchema,
  epoch: uuidSchema,
  /** The epoch that this one went out from; null for a node's first. */
  parentEpoch: uuidSchema.nullable(),
  generation: z.number().int().positive(),
  instanceId: uuidSchema,
  /** Highest `seq` that this disk ever gave in this epoch. */
  lastSeq: z.number().int().nonnegative(),
  /** Up to where this disk knows that everything is on the Core, in this epoch. */
  ackedSeq: z.number().int().nonnegative(),
  /** The instance that the Core named when it refused this one with NODE_SUPERSEDED (`details.presentInstance`); else null. */
  superseded: uuidSchema.nullable(),
  sentAtMs: z.number().int(),
});
export type Hello = z.infer<typeof helloSchema>;

/**
 * - `go-on`: the checkpoints agree, or the edge is ahead; push.
 * - `compare`: the Core knows less than the edge believes it does (it was restored): push, then compare and send again what differs.
 * - `new-epoch`: this disk knows less than it once told (it was restored or is a copy): take a new epoch, say hello again, compare.
 */
export const helloVerdicts = ['go-on', 'compare', 'new-epoch'] as const;
export type HelloVerdict = (typeof helloVerdicts)[number];

export const helloAnswerSchema = z.object({
  schemaVersion: z.literal(2),
  verdict: z.enum(helloVerdicts),
  /** The Core's checkpoint of this node and epoch; 0 when it has none. */
  ackedSeq: z.number().int().nonnegative(),
  /** Last push number of each channel that the Core took in this epoch. */
  channels: z.array(
    z.object({
      channel: z
        .number()
        .int()
        .min(0)
        .max(syncChannelsMax - 1),
      pushSeq: z.number().int().nonnegative(),
    }),
  ),
  coreTimeMs: z.number().int(),
  /** Of the Core's program, for the sync page. */
  version: z.string().max(32).optional(),
});
export type HelloAnswer = z.infer<typeof helloAnswerSchema>;
