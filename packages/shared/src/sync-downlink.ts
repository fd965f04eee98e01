import * as z from 'zod';
import { hlcSchema } from './clock.ts';
import { errorCodes } from './errors.ts';
import { sha256HexSchema, uuidSchema } from './ids.ts';

/**
 * From the Core to an establishment (docs/sync-protocol.md §7): `POST /internal/sync/changes`, signed by the node; the answer is
 * signed by the Core. The Core holds the call open while it has nothing new: that is the doorbell, and the next call is the poll.
 */
export const changesPath = '/internal/sync/changes';

/** Streams that the Core writes. Every change holds the whole entity. */
export const downStreams = ['blocks', 'users', 'catalogue', 'transfers', 'conflicts'] as const;
export type DownStream = (typeof downStreams)[number];

export const downChangeSchema = z.strictObject({
  /** Gapless for each establishment under one core epoch. */
  seq: z.number().int().positive(),
  id: uuidSchema,
  stream: z.enum(downStreams),
  entityId: uuidSchema,
  version: z.number().int().positive(),
  updatedAt: hlcSchema,
  hash: sha256HexSchema,
  payload: z.record(z.string(), z.json()),
});
export type DownChange = z.infer<typeof downChangeSchema>;

export const changesAskSchema = z.strictObject({
  schemaVersion: z.literal(2),
  companyId: uuidSchema,
  establishmentId: uuidSchema,
  nodeId: uuidSchema,
  /** The core epoch that the cursor belongs to; null before the first answer. */
  coreEpoch: uuidSchema.nullable(),
  /** Everything at or below it is applied or parked at the edge: this is the acknowledgement. */
  cursor: z.number().int().nonnegative(),
  /** How long the Core may hold the call while there is nothing, in milliseconds. */
  waitMs: z.number().int().nonnegative().max(25_000),
  /** Changes that this edge cannot apply, since the last call. */
  parked: z
    .array(
      z.strictObject({
        seq: z.number().int().positive(),
        id: uuidSchema,
        code: z.enum(errorCodes),
        detail: z.string().max(500),
      }),
    )
    .max(100),
  /** Changes that were told as parked and are applied by now, because somebody tried them again. */
  applied: z
    .array(z.strictObject({ stream: z.enum(downStreams), entityId: uuidSchema, version: z.number().int().positive() }))
    .max(100)
    .optional(),
  sentAtMs: z.number().int(),
});
export type ChangesAsk = z.infer<typeof changesAskSchema>;

/** `signed` is a compact JWS (`sync-changes+jwt`) by the Core's sync key. */
export const changesAnswerSchema = z.object({ signed: z.string() });

/** Its claims. `aud` is the one node that asked, so that no answer serves another. */
export const changesClaimsSchema = z.object({
  iss: z.string(),
  aud: z.string(),
  iat: z.number().int(),
  coreEpoch: uuidSchema,
  /** The changes follow this position without a gap: the cursor that was asked for, or the last common one after a core restore. */
  after: z.number().int().nonnegative(),
  /** Highest number of this establishment at the Core. */
  head: z.number().int().nonnegative(),
  changes: z.array(downChangeSchema).max(500),
});
export type ChangesClaims = z.infer<typeof changesClaimsSchema>;

/** `iss` of everything that the Core's sync key signs. */
export const coreIssuer = 'urn:sgp:core';
