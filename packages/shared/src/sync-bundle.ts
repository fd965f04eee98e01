import * as z from 'zod';
import { uuidSchema } from './ids.ts';
import { streams } from './sync.ts';

/**
 * Signed batches as a file, for a site without Internet (docs/sync-protocol.md §10). A batch is the very push that would have
 * travelled, signed with the tag `snapshot-bundle/1` and a window of weeks; the Core verifies it in the same order.
 */
export const bundlePath = '/internal/sync/bundle';
export const bundleLifeS = 45 * 24 * 60 * 60;

export const bundleSchema = z.strictObject({
  format: z.literal('sgp-bundle/1'),
  nodeId: uuidSchema,
  createdAtMs: z.number().int(),
  batches: z
    .array(
      z.strictObject({
        stream: z.enum(streams),
        path: z.string().max(100),
        /** The headers that were signed, and the signature's own. */
        headers: z.record(z.string().max(64), z.string().max(4000)),
        /** base64 of the body's exact bytes. */
        body: z.string(),
      }),
    )
    .max(2000),
});
export type Bundle = z.infer<typeof bundleSchema>;

/** What comes back: the Core's word on each batch, signed (`bundle-ack+jwt`), to be imported at the edge. */
export const bundleAckSchema = z.strictObject({ format: z.literal('sgp-bundle-ack/1'), signed: z.string() });
