import { AppError } from '@sgp/shared/errors';

export type LineLimits = { readonly lineMaxBytes: number; readonly totalMaxBytes: number };

const lineEnd = 0x0a;

/**
 * The lines of a stream without their ends, one at a time: what comes is never held whole.
 * @throws AppError BODY_TOO_LARGE as soon as a line or all of them pass their limit
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  { lineMaxBytes, totalMaxBytes }: LineLimits,
): AsyncGenerator<Buffer, void, void> {
  let parts: Buffer[] = [];
  let size = 0;
  let total = 0;
  const tooLarge = (maxBytes: number): AppError =>
    new AppError('BODY_TOO_LARGE', `The file holds more than ${maxBytes} bytes; nothing was kept.`, {
      details: { maxBytes },
    });
  const hold = (part: Buffer): void => {
    size += part.length;
    if (size > lineMaxBytes) throw tooLarge(lineMaxBytes);
    parts.push(part);
  };
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > totalMaxBytes) throw tooLarge(totalMaxBytes);
    let from = 0;
    for (let end = chunk.indexOf(lineEnd); end >= 0; end = chunk.indexOf(lineEnd, from)) {
      hold(chunk.subarray(from, end));
      yield Buffer.concat(parts, size);
      parts = [];
      size = 0;
      from = end + 1;
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
  if (size > 0) yield Buffer.concat(parts, size);
}
