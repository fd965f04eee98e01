import * as z from 'zod';
import { uuidSchema } from './ids.ts';
import { pushAckSchema, streams } from './sync.ts';
import { helloSchema } from './sync-hello.ts';

/**
 * Signed pushes as a file, for a site without Internet (docs/sync-protocol.md §10). Both files are lines of JSON under gzip,
 * so that neither side ever holds a whole one.
 */
export const bundlePath = '/internal/sync/bundle';
export const bundleFormat = 'sgp-bundle/1';
export const bundleAckFormat = 'sgp-bundle-ack/1';

/** A signed call as it would have travelled, without the API key: a file that is lost in the street opens nothing. */
const signedLine = {
  /** The headers that were signed, and the signature's own. */
  headers: z.record(z.string().max(64), z.string().max(4000)),
  /** base64 of the body's exact bytes. */
  body: z.base64(),
};

/**
 * A line of the file: the opening, the batches in the order in which they are to be applied, the seal. Their idempotency keys
 * are `{bundleId}-{place}`, counted from 0, so that each belongs to this file and to its place in it.
 */
export const bundleLineSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('opening'), ...signedLine }),
  z.strictObject({ kind: z.literal('batch'), stream: z.enum(streams), ...signedLine }),
  z.strictObject({ kind: z.literal('seal'), ...signedLine }),
]);
export type BundleLine = z.infer<typeof bundleLineSchema>;

/** Body of the opening: what the disk would have said in a handshake when it wrote the file. */
export const bundleOpeningSchema = helloSchema.omit({ superseded: true, schemaVersion: true }).extend({
  format: z.literal(bundleFormat),
  bundleId: uuidSchema,
});
export type BundleOpening = z.infer<typeof bundleOpeningSchema>;

/** Body of the seal: a file that was cut, or put together from others, does not fit it. */
export const bundleSealSchema = z.strictObject({
  bundleId: uuidSchema,
  batches: z.number().int().positive(),
  changes: z.number().int().positive(),
  /** Hex of the SHA-256 over all lines before, line ends included. */
  sha256: z.string().length(64),
});
export type BundleSeal = z.infer<typeof bundleSealSchema>;

/** First line of what comes back; each line after it is a JWS (`bundle-ack+jwt`) with the Core's word on one batch. */
export const bundleAckHeadSchema = z.strictObject({ format: z.literal(bundleAckFormat), bundleId: uuidSchema });

/** Claims of such a line, in the order of the batches. */
export const bundleAckClaimsSchema = z.object({
  bundleId: uuidSchema,
  /** 1 to `of`. */
  place: z.number().int().positive(),
  of: z.number().int().positive(),
  stream: z.enum(streams),
  ack: pushAckSchema,
});
export type BundleAckClaims = z.infer<typeof bundleAckClaimsSchema>;
