import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder, removed with the stack. */
export async function tempDir(stack: AsyncDisposableStack): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sgp-production-api-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
