import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { openBundleSpool } from '../src/bundle/bundle-spool.ts';
import { mirrorLimits } from '../src/mirror-limits.ts';

async function spoolDir(stack: AsyncDisposableStack): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sgp-spool-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  return join(dir, 'spool');
}

test('while one file of a node is taken in, another of it waits, and more nodes than there are places wait too', async (t) => {
  await using stack = new AsyncDisposableStack();
  const spool = await openBundleSpool(await spoolDir(stack));
  const waits = (nodeId: string): void => {
    const error = t.throws<AppError>(() => spool.enter(nodeId));
    t.like(error, { code: 'RATE_LIMITED', details: { retryAfterS: mirrorLimits.bundleRetryAfterS } });
  };
  const first = spool.enter('a');
  waits('a');
  for (let n = 1; n < mirrorLimits.bundlesAtOnceMax; n += 1) spool.enter(`other ${n}`);
  waits('b');
  first[Symbol.dispose]();
  spool.enter('b');
  waits('a');
});

test('what came is read again from its beginning, as often as one likes, and is gone afterwards', async (t) => {
  await using stack = new AsyncDisposableStack();
  const dir = await spoolDir(stack);
  await mkdir(dir);
  await writeFile(join(dir, 'of-an-earlier-process.gz'), 'x');
  const spool = await openBundleSpool(dir);
  t.deepEqual(await readdir(dir), []);
  const chunks = Array.from({ length: 5 }, (_, n) => Buffer.alloc(50_000, n));
  {
    await using file = await spool.create();
    t.deepEqual(await buffer(file.keep(Readable.from(chunks))), Buffer.concat(chunks));
    for (let n = 0; n < 2; n += 1) t.deepEqual(await buffer(file.read()), Buffer.concat(chunks));
    t.is((await readdir(dir)).length, 1);
  }
  t.deepEqual(await readdir(dir), []);
});

test('a file above the limit is refused as soon as it passes it', async (t) => {
  await using stack = new AsyncDisposableStack();
  const spool = await openBundleSpool(await spoolDir(stack));
  await using file = await spool.create();
  let given = 0;
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (const chunk = Buffer.alloc(1024 * 1024); ; given += 1) yield chunk;
  };
  t.is((await t.throwsAsync<AppError>(buffer(file.keep(endless()))))?.code, 'BODY_TOO_LARGE');
  t.is(given, limits.bundleFileMaxBytes / (1024 * 1024));
});
