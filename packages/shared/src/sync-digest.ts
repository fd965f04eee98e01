import * as z from 'zod';
import { hlcSchema } from './clock.ts';
import { uuidSchema } from './ids.ts';
import { digestShortSchema as short, streams } from './sync.ts';

/**
 * Are edge and mirror equal? (docs/sync-protocol.md §6): `POST /internal/sync/digest`, signed. An entity's digest is the first
 * 16 bytes of SHA-256(`entityId/version/hash`); a range's is the sum of its entities' modulo 2^128, so that an entity that is
 * counted twice shows (an XOR would hide it). Ranges: 32 groups of 32 buckets; the bucket is the first 10 bits of
 * SHA-256(`entityId`).
 */
export const digestPath = '/internal/sync/digest';
export const digestGroups = 32;
export const digestBucketsPerGroup = 32;
export const digestBuckets = digestGroups * digestBucketsPerGroup;
/** Bytes of an entity's digest that a listing carries: enough to tell the entities of one bucket apart. */
export const digestShortBytes = 8;
/** A longer text of an entity stays out of the answer: 500 of them must fit into one. */
export const digestDocMaxChars = 10_000;

/** base64url of 16 bytes. */
const sum = z.string().regex(/^[A-Za-z0-9_-]{22}$/);
const index = (max: number) =>
  z
    .number()
    .int()
    .min(0)
    .max(max - 1);

export const streamDigestSchema = z.strictObject({
  stream: z.enum(streams),
  rows: z.number().int().nonnegative(),
  root: sum,
  /** Highest stamp among them; null for none. */
  newest: hlcSchema.nullable(),
});
export type StreamDigest = z.infer<typeof streamDigestSchema>;

const who = {
  schemaVersion: z.literal(2),
  companyId: uuidSchema,
  establishmentId: uuidSchema,
  nodeId: uuidSchema,
  sentAtMs: z.number().int(),
};
/** One round. `roots` comes first; the others narrow down one stream that differs. */
export const digestAskSchema = z.discriminatedUnion('level', [
  z.strictObject({ ...who, level: z.literal('roots'), streams: z.array(streamDigestSchema).max(streams.length) }),
  /** The sums of all groups. */
  z.strictObject({ ...who, level: z.literal('groups'), stream: z.enum(streams) }),
  /** The sums of the buckets of these groups. */
  z.strictObject({
    ...who,
    level: z.literal('buckets'),
    stream: z.enum(streams),
    groups: z.array(index(digestGroups)).min(1).max(digestGroups),
  }),
  /** Short digests of the entities in these buckets. */
  z.strictObject({
    ...who,
    level: z.literal('entities'),
    stream: z.enum(streams),
    buckets: z.array(index(digestBuckets)).min(1).max(digestBuckets),
  }),
  /** What these short digests, which the edge does not know, stand for. */
  z.strictObject({
    ...who,
    level: z.literal('unknown'),
    stream: z.enum(streams),
    bucket: index(digestBuckets),
    digests: z.array(short).min(1).max(500),
  }),
]);
export type DigestAsk = z.infer<typeof digestAskSchema>;

export const digestAnswerSchema = z.discriminatedUnion('level', [
  z.object({
    level: z.literal('roots'),
    /** Streams that differ. Empty: `receipt` says so, signed by the Core. */
    differ: z.array(z.enum(streams)),
    receipt: z.string().optional(),
  }),
  z.object({ level: z.literal('groups'), sums: z.array(sum).length(digestGroups) }),
  z.object({
    level: z.literal('buckets'),
    groups: z.array(z.object({ group: index(digestGroups), sums: z.array(sum).length(digestBucketsPerGroup) })),
  }),
  z.object({
    level: z.literal('entities'),
    buckets: z.array(z.object({ bucket: index(digestBuckets), digests: z.array(short) })),
  }),
  z.object({
    level: z.literal('unknown'),
    entities: z.array(
      z.object({
        digest: short,
        entityId: uuidSchema,
        version: z.number().int().positive(),
        updatedAt: hlcSchema,
        /** The payload's JSON text, for the ledger of the shop that does not have it. */
        doc: z.string().max(digestDocMaxChars).optional(),
      }),
    ),
  }),
]);
export type DigestAnswer = z.infer<typeof digestAnswerSchema>;

/** Claims of the receipt (`sync-receipt+jwt`, signed by the Core's sync key): edge = mirror at that moment. */
export const receiptClaimsSchema = z.object({
  iss: z.string(),
  aud: z.string(),
  iat: z.number().int(),
  establishmentId: uuidSchema,
  streams: z.array(streamDigestSchema),
});
export type ReceiptClaims = z.infer<typeof receiptClaimsSchema>;
