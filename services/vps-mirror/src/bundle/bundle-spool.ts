import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '@sgp/service-kit/ids';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { mirrorLimits } from '../mirror-limits.ts';

/** Room on the disk for files of pushes while they are verified. */
export type BundleSpool = {
  /**
   * Takes one of the few places, so that files cannot fill the disk.
   * @throws AppError RATE_LIMITED when all are taken, or one by this node
   */
  enter(nodeId: string): Disposable;
  create(): Promise<SpooledFile>;
};

export type SpooledFile = AsyncDisposable & {
  /** Passes the bytes on and keeps them. @throws AppError BODY_TOO_LARGE */
  keep(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void>;
  /** What was kept, from its beginning. */
  read(): AsyncIterable<Buffer>;
};

/** @param dir its own: what an earlier process left there is removed */
export async function openBundleSpool(dir: string): Promise<BundleSpool> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const inside = new Set<string>();
  return {
    enter(nodeId) {
      if (inside.has(nodeId) || inside.size >= mirrorLimits.bundlesAtOnceMax)
        throw new AppError('RATE_LIMITED', 'Another file is being taken in; nothing of this one was kept.', {
          details: { retryAfterS: mirrorLimits.bundleRetryAfterS },
        });
      inside.add(nodeId);
      return { [Symbol.dispose]: () => void inside.delete(nodeId) };
    },
    async create() {
      const path = join(dir, `${newId()}.gz`);
      const file = await open(path, 'wx+', 0o600);
      return {
        async *keep(chunks) {
          let size = 0;
          for await (const chunk of chunks) {
            size += chunk.length;
            if (size > limits.bundleFileMaxBytes) throw fileTooLarge();
            await file.writeFile(chunk);
            yield chunk;
          }
        },
        read: () => bytesOf(file),
        async [Symbol.asyncDispose]() {
          await file.close();
          await rm(path, { force: true });
        },
      };
    },
  };
}

/** No stream of the file: one that does not close it keeps it from ever being closed. */
async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer, void, void> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(readBytes), 0, readBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

const readBytes = 64 * 1024;

export const fileTooLarge = (): AppError =>
  new AppError('BODY_TOO_LARGE', `The file is larger than ${limits.bundleFileMaxBytes} bytes; nothing was kept.`, {
    details: { maxBytes: limits.bundleFileMaxBytes },
  });
