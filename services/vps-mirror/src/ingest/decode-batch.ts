import { promisify } from 'node:util';
import { gunzip, gunzipSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { changeSchema, pushBatchSchema } from '@sgp/shared/sync';
import * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';

/**
 * The envelope of a push. Payloads are left as they came: each is held against its own strict schema afterwards, where a
 * wrong one parks its change instead of refusing the batch.
 */
const envelopeSchema = pushBatchSchema.extend({
  changes: z.array(changeSchema.extend({ payload: z.unknown() })).max(limits.syncBatchMaxChanges),
});
export type Envelope = z.infer<typeof envelopeSchema>;
export type EnvelopeChange = Envelope['changes'][number];

const inflateOptions = { maxOutputLength: limits.pushInflatedMaxBytes };
const inflaters = {
  gzip: { now: gunzipSync, later: promisify<Buffer, typeof inflateOptions, Buffer>(gunzip) },
  zstd: { now: zstdDecompressSync, later: promisify<Buffer, typeof inflateOptions, Buffer>(zstdDecompress) },
} as const;

/**
 * Inflates a body up to `limits.pushInflatedMaxBytes`; a bomb stops there.
 * @param encoding value of `content-encoding`, empty for none; it was signed
 * @throws AppError BODY_TOO_LARGE, CONTENT_TYPE_UNSUPPORTED, BODY_INVALID
 */
export async function inflate(body: Buffer, encoding: string): Promise<Buffer> {
  if (encoding === '' || encoding === 'identity') return body;
  const inflater = inflaters[encoding as keyof typeof inflaters];
  if (!Object.hasOwn(inflaters, encoding))
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'This address takes the content encodings gzip and zstd.');
  try {
    if (body.length <= mirrorLimits.inflateInlineMaxBytes) return inflater.now(body, inflateOptions);
    return await inflater.later(body, inflateOptions);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new AppError('BODY_TOO_LARGE', 'The body inflates to more than the limit; nothing was kept.', {
        cause,
        details: { maxBytes: limits.pushInflatedMaxBytes },
      });
    throw new AppError('BODY_INVALID', 'The body cannot be inflated; nothing was kept.', { cause });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws AppError BODY_INVALID for what is not UTF-8 or not JSON; ZodError for what is no push */
export function parseEnvelope(bytes: Buffer): Envelope {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new AppError('BODY_INVALID', 'The body is not JSON; nothing was kept.', { cause });
  }
  return envelopeSchema.parse(json);
}
