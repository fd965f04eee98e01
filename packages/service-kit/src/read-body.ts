import type { IncomingMessage } from 'node:http';
import { AppError } from '@sgp/shared/errors';

/**
 * Reads a request's exact bytes, which signatures need before anything is parsed.
 * @throws AppError BODY_TOO_LARGE as soon as the announced or the real length passes `maxBytes`
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): AppError =>
    new AppError('BODY_TOO_LARGE', `The body is larger than ${maxBytes} bytes; nothing was kept.`, {
      details: { maxBytes },
    });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
}
