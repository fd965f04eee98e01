import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Disk } from './lane-shedder.ts';

/** Folder of production.db; null where it is on a server whose disk is not ours to look at. */
export const diskOfDatabase = (databaseUrl: string): string | null =>
  databaseUrl.startsWith('sqlite:') && databaseUrl !== 'sqlite::memory:'
    ? dirname(databaseUrl.slice('sqlite:'.length))
    : null;

export async function readDisk(folder: string): Promise<Disk> {
  const { bavail, blocks, bfree, bsize } = await statfs(folder);
  // What is reserved for root is nobody's here: the disk is full when nothing is left for us.
  return { freeBytes: bavail * bsize, totalBytes: (blocks - (bfree - bavail)) * bsize };
}
