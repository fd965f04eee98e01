import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Small files that hold keys and identities: readable by their owner only, whole or not there, and on the disk when told. */

const ownerOnly = 0o600;

/** Makes a folder that only its owner may look into. */
export async function makePrivateDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
}

/** Writes or replaces a file: whoever reads sees the old content or the new, also after a power cut. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = await writeTemporary(path, content);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/**
 * Writes a file unless there is one.
 * @returns false when another process, or an earlier run, was first; its content stays
 */
export async function createFileOnce(path: string, content: string): Promise<boolean> {
  const temporary = await writeTemporary(path, content);
  try {
    await link(temporary, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The same for a file that is too large to be held: `write` fills it, and what it wrote is gone again if it fails. */
export async function replaceFileBy(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = temporaryBeside(path);
  const file = await open(temporary, 'wx', ownerOnly);
  try {
    await write(file);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

const temporaryBeside = (path: string): string => join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);

async function writeTemporary(path: string, content: string): Promise<string> {
  const temporary = temporaryBeside(path);
  const file = await open(temporary, 'wx', ownerOnly);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporary;
}

/** The name of a new file is on the disk only once its folder is; Windows writes it with the file and cannot open folders. */
async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
