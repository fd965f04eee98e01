import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Measured } from './support/measuring-child.ts';
import { pngBomb, pngHeaderOf } from './support/pictures.ts';

const megabyte = 1024 * 1024;

async function measure(t: ExecutionContext, bytes: Buffer): Promise<Measured> {
  const mediaDir = await mkdtemp(join(tmpdir(), 'sgp-memory-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  await mkdir(join(mediaDir, 'originals'));
  await writeFile(join(mediaDir, 'originals', 'one'), bytes);
  const child = fork(fileURLToPath(new URL('./support/measuring-child.ts', import.meta.url)));
  t.teardown(() => child.kill('SIGKILL'));
  child.send({ mediaDir, mediaId: 'photo', file: 'one' });
  const [measured] = (await once(child, 'message')) as [Measured];
  t.log(`${measured.outcome} ${measured.code ?? ''}: ${Math.round(measured.grownBytes / megabyte)} MB at the peak`);
  return measured;
}

test.serial('a header of 200 megapixels is refused for next to no memory', async (t) => {
  const measured = await measure(t, pngHeaderOf(20_000, 10_000));
  t.is(measured.code, 'MEDIA_TOO_MANY_PIXELS');
  t.true(measured.grownBytes < 40 * megabyte);
});

test.serial('a decompression bomb of 600 MB in a small file is refused from its header', async (t) => {
  const bomb = await pngBomb(20_000, 10_000);
  t.true(bomb.length < 3 * megabyte);
  const measured = await measure(t, bomb);
  t.is(measured.code, 'MEDIA_TOO_MANY_PIXELS');
  t.true(measured.grownBytes < 40 * megabyte);
});

test.serial('the largest picture that is let through is read in strips, not unpacked whole', async (t) => {
  const measured = await measure(t, await pngBomb(10_000, 10_000));
  t.is(measured.outcome, 'derived');
  t.true(measured.grownBytes < 200 * megabyte, 'unpacked it has 300 MB');
});
