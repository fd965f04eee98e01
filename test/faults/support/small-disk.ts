import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, rmdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Only root may mount a file system. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

export type SmallDisk = {
  readonly folder: string;
  /** Takes room until so much is left, as another program on the PC would. */
  fill(leftBytes: number): Promise<void>;
  /** The other program's file is deleted. */
  free(): Promise<void>;
};

/** A file system of its own that can really be full; it is gone with the stack. */
export async function mountSmallDisk(stack: AsyncDisposableStack, bytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'sgp-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', folder]);
  stack.defer(async () => {
    // Detached, because a database may still be closing; the memory goes with the last open file.
    execFileSync('umount', ['-l', folder]);
    await rmdir(folder);
  });
  const ballast = join(folder, 'ballast');
  return {
    folder,
    async fill(leftBytes) {
      const { bavail, bsize } = await statfs(folder);
      const file = await open(ballast, 'a');
      await file.write(Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
      await file.close();
    },
    free: () => rm(ballast, { force: true }),
  };
}
