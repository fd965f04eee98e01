import { randomBytes } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { uuidSchema } from '@sgp/shared/ids';

/** Photos on the mirror's own disk, when there is no bucket. Keys are `{company}/{establishment}/{mediaId}/{preset}.{ext}`. */
export type MediaFiles = {
  /** Stores the bytes under the key, replacing what was there. When it resolves they are on the disk. */
  write(key: MediaKey, bytes: Buffer): Promise<void>;
  /** @returns the size in bytes, or undefined when there is no such photo */
  size(key: MediaKey): Promise<number | undefined>;
  read(key: MediaKey): ReadStream;
  /** Removes the photo, for good when it resolves; one that is not here is no error. */
  remove(key: MediaKey): Promise<void>;
};

declare const mediaKeyBrand: unique symbol;
/** A storage key with extension whose every part was checked: it cannot leave the media folder. */
export type MediaKey = string & { readonly [mediaKeyBrand]: true };

const filePattern = /^(?:160|480|1280)\.(?:webp|jpg)$/;

/** @returns undefined for what is no storage key */
export function parseMediaKey(key: string): MediaKey | undefined {
  const [companyId, establishmentId, mediaId, file = '', ...rest] = key.split('/');
  const ids = [companyId, establishmentId, mediaId].every((id) => uuidSchema.safeParse(id).success);
  return ids && filePattern.test(file) && rest.length === 0 ? (key as MediaKey) : undefined;
}

export const mediaTypeOf = (key: MediaKey): 'image/webp' | 'image/jpeg' =>
  key.endsWith('.webp') ? 'image/webp' : 'image/jpeg';

/** @param dir MEDIA_DIR of the mirror */
export function createMediaFiles(dir: string): MediaFiles {
  const pathOf = (key: MediaKey): string => join(dir, ...key.split('/'));
  return {
    async write(key, bytes) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const part = `${path}.${randomBytes(6).toString('hex')}.part`;
      try {
        const file = await open(part, 'wx', 0o640);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(part, path);
        await syncFolder(dirname(path));
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    async size(key) {
      try {
        return (await stat(pathOf(key))).size;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    read: (key) => createReadStream(pathOf(key)),
    async remove(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
      const folder = dirname(path);
      try {
        await syncFolder(folder);
        await rmdir(folder);
      } catch (error) {
        // Other sizes are in the folder yet, or it never was.
        if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    },
  };
}

/** A rename is on the disk when its folder is. Windows cannot open folders and writes them through by itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
