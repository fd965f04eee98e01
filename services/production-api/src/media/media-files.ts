import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaPreset } from '@sgp/shared/floor-messages';
import { imageHeadBytes } from './image-type.ts';

/** The shop's photos on disk: `incoming/` parts, `originals/` whole, `derived/` made by media-sync. Names are media ids. */
export type MediaFiles = {
  /** Writes bytes of an upload at their place; they are on the disk when it resolves. */
  writePart(mediaId: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** First bytes of an upload. */
  partHead(mediaId: string): Promise<Uint8Array>;
  /** Turns a complete upload into the original, whole or not at all. Rejects when the part is not of this size. */
  finish(mediaId: string, sizeBytes: number): Promise<void>;
  removePart(mediaId: string): Promise<void>;
  /** Removes the original and everything derived from it. */
  remove(mediaId: string): Promise<void>;
  hasOriginal(mediaId: string): Promise<boolean>;
  originalPath(mediaId: string): string;
  /** Null while there is none. */
  preview(mediaId: string, preset: MediaPreset): Promise<Buffer | null>;
};

export async function openMediaFiles(dir: string): Promise<MediaFiles> {
  const incoming = join(dir, 'incoming');
  const originals = join(dir, 'originals');
  const derived = join(dir, 'derived');
  for (const folder of [incoming, originals, derived]) await mkdir(folder, { recursive: true });
  const part = (mediaId: string): string => join(incoming, mediaId);
  const original = (mediaId: string): string => join(originals, mediaId);

  return {
    async writePart(mediaId, offset, bytes) {
      // After a crash between the rename and the database, the upload goes on where the database has it.
      if (offset > 0 && !(await exists(part(mediaId))) && (await exists(original(mediaId))))
        await rename(original(mediaId), part(mediaId));
      const file = await open(part(mediaId), offset === 0 ? 'w' : 'r+');
      try {
        await writeAll(file, bytes, offset);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
    async partHead(mediaId) {
      const file = await open(part(mediaId), 'r');
      try {
        const head = new Uint8Array(imageHeadBytes);
        await file.read(head, 0, imageHeadBytes, 0);
        return head;
      } finally {
        await file.close();
      }
    },
    async finish(mediaId, sizeBytes) {
      const { size } = await stat(part(mediaId));
      if (size !== sizeBytes) throw new Error(`the part of photo ${mediaId} has ${size} of ${sizeBytes} bytes`);
      await rename(part(mediaId), original(mediaId));
      await syncFolder(originals);
    },
    removePart: (mediaId) => rm(part(mediaId), { force: true }),
    async remove(mediaId) {
      await rm(part(mediaId), { force: true });
      await rm(original(mediaId), { force: true });
      await rm(join(derived, mediaId), { force: true, recursive: true });
    },
    hasOriginal: (mediaId) => exists(original(mediaId)),
    originalPath: original,
    preview: (mediaId, preset) => readFile(join(derived, mediaId, `${preset}.webp`)).catch(nullIfMissing),
  };
}

/**
 * Writes every byte at its place. A disk that is nearly full takes a part of them and says so only in the result.
 * @throws an error with the code ENOSPC when the disk takes no more
 */
export async function writeAll(
  file: { write(...args: [Uint8Array, number, number, number]): Promise<{ readonly bytesWritten: number }> },
  bytes: Uint8Array,
  offset: number,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    if (bytesWritten === 0) throw Object.assign(new Error('the disk takes no more bytes'), { code: 'ENOSPC' });
    done += bytesWritten;
  }
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(nullIfMissing)) !== null;

function nullIfMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}

/** A new name is on the disk only once its folder is; Windows cannot open folders and writes it with the file. */
async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
