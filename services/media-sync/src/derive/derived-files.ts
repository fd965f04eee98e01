import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DerivedName, derivedNames, type FileSizes } from '../photos/photo.ts';

/** `MEDIA_DIR/originals/{file}`, written by production-api, and `MEDIA_DIR/derived/{mediaId}/{preset}.{webp|jpg}`, ours. */
export type MediaFiles = {
  originalPath(file: string): string;
  /** On the disk, whole, when it resolves: a reader never sees half a file. */
  writeDerived(mediaId: string, files: ReadonlyMap<DerivedName, Buffer>): Promise<FileSizes>;
  /** Null when a file is gone or has another size than it was written with. */
  readDerived(mediaId: string, name: DerivedName, sizeBytes: number): Promise<Buffer | null>;
  /** Removes every file of a photo; one that has none is no error. */
  removeDerived(mediaId: string): Promise<void>;
};

export function openMediaFiles(mediaDir: string): MediaFiles {
  const derivedDir = (mediaId: string): string => join(mediaDir, 'derived', mediaId);
  return {
    originalPath: (file) => join(mediaDir, 'originals', file),
    async writeDerived(mediaId, files) {
      const dir = derivedDir(mediaId);
      await mkdir(dir, { recursive: true });
      await removeLeftovers(dir);
      const written = await Promise.all([...files].map(([name, bytes]) => writeDurably(dir, name, bytes)));
      await syncDirectory(dir);
      await syncDirectory(join(mediaDir, 'derived'));
      const sizes = Object.fromEntries(written) as FileSizes;
      for (const name of derivedNames) if (sizes[name] === undefined) throw new Error(`preset ${name} was not made`);
      return sizes;
    },
    removeDerived: (mediaId) => rm(derivedDir(mediaId), { recursive: true, force: true }),
    async readDerived(mediaId, name, sizeBytes) {
      try {
        const bytes = await readFile(join(derivedDir(mediaId), name));
        return bytes.length === sizeBytes ? bytes : null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
  };
}

async function writeDurably(dir: string, name: DerivedName, bytes: Buffer): Promise<[DerivedName, number]> {
  const temporary = join(dir, `.${name}.${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(dir, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return [name, bytes.length];
}

/** What a death in the middle of an earlier writing left. */
async function removeLeftovers(dir: string): Promise<void> {
  const names = await readdir(dir);
  await Promise.all(names.filter((name) => name.startsWith('.')).map((name) => rm(join(dir, name), { force: true })));
}

/** Makes the names durable too. Windows has no such call; its file system journals them. */
async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
