import { promisify } from 'node:util';
import { gunzip, gunzipSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import {
  changeSchema,
  pushBatchSchemaV1,
  pushBatchSchemaV2,
  type StreamName,
  streams,
  streamsOfVersion1,
} from '@sgp/shared/sync';
import * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';

/**
 * The envelope of a push. Payloads are left as they came: each is held against its own strict schema afterwards, where a
 * wrong one parks its change instead of refusing the batch.
 */
const changes = z.array(changeSchema.extend({ payload: z.unknown() })).max(limits.syncBatchMaxChanges);
const envelopeSchema = z.discriminatedUnion('schemaVersion', [
  pushBatchSchemaV1.extend({ changes }),
  pushBatchSchemaV2.extend({ changes }),
]);
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

/** @throws AppError BODY_INVALID for what is not UTF-8 or not JSON */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new AppError('BODY_INVALID', 'The body is not JSON; nothing was kept.', { cause });
  }
}

/**
 * Reads the envelope of a push that came to the address of `stream`.
 * @throws AppError BODY_INVALID for what is not JSON or of another stream; ZodError for what is no push
 */
export function parseEnvelope(bytes: Buffer, stream: StreamName): Envelope {
  const envelope = envelopeSchema.parse(parseJson(bytes));
  const known: readonly StreamName[] = envelope.schemaVersion === 1 ? streamsOfVersion1 : streams;
  if (!known.includes(stream)) throw new AppError('BODY_INVALID', `Version 1 has no stream ${stream}.`);
  if (envelope.changes.some((change) => change.stream !== stream))
    throw new AppError('BODY_INVALID', `This address takes changes of the stream ${stream} only; nothing was kept.`);
  return envelope;
}
