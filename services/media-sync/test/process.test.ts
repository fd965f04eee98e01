import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { startS3Server } from '../../../test/support/s3-server.ts';
import { openMediaDatabase } from '../src/db.ts';
import { derivedNames } from '../src/photos/photo.ts';
import { createPhotoStore } from '../src/photos/photo-store.ts';
import { environmentOf, keepRunning, mainFile } from './support/media-process.ts';
import { photoJpeg } from './support/pictures.ts';
import { s3SettingsOf } from './support/running-app.ts';
import { openShop, outcomesOf } from './support/shop.ts';

test.serial(
  'kill -9 of the service at random moments: every photo is published, none is refused or lost',
  async (t) => {
    t.timeout(4 * 60_000, 'a busy machine takes seconds for each start');
    const rounds = 8;
    const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
    t.log(`TEST_SEED=${seed}`);
    const random = randomOf(seed);
    await using shop = await openShop();
    await using s3 = await startS3Server();
    await using service = keepRunning(mainFile, [], await environmentOf(shop, s3));
    await shop.heard;
    const pictures = await Promise.all([1, 2, 3].map((n) => photoJpeg({ width: 1400, height: 1000, seed: n })));
    const ids: string[] = [];
    for (let round = 0; round < rounds; round++) {
      for (let n = 0; n < 3; n++) ids.push(await shop.upload(pictures[n] as Buffer));
      await service.ready();
      // The moment of the fault is what is random here; nothing is waited for.
      await sleep(random() * 400);
      await service.kill();
    }
    await shop.until(() => ids.every((mediaId) => outcomesOf(shop, mediaId).includes('published')));
    t.is(service.deaths, rounds);
    t.deepEqual(
      shop.announced.filter(({ outcome }) => outcome === 'refused'),
      [],
    );
    t.is(s3.objects.size, ids.length * derivedNames.length);
    await using stack = new AsyncDisposableStack();
    const photos = createPhotoStore(await openMediaDatabase(stack, `sqlite:${join(shop.dir, 'media.db')}`));
    const { byState } = await photos.summary();
    t.deepEqual(byState, { uploaded: 0, derived: 0, published: ids.length, refused: 0, deleting: 0, deleted: 0 });
    for (const mediaId of ids) t.deepEqual([...new Set(outcomesOf(shop, mediaId))].at(-1), 'published');
  },
);

test.serial(
  'a picture that kills the decoder is refused after three deaths, and no other photo suffers for it',
  async (t) => {
    await using shop = await openShop();
    await using s3 = await startS3Server();
    const { mediaDir, brokerUrl, tenant } = shop;
    const options = {
      dbUrl: `sqlite:${join(shop.dir, 'media.db')}`,
      mediaDir,
      brokerUrl,
      tenant,
      s3: s3SettingsOf(s3),
    };
    const file = new URL('./support/crashing-service.ts', import.meta.url);
    await using service = keepRunning(file, [JSON.stringify(options)], {});
    await shop.heard;
    const picture = await photoJpeg({ width: 900, height: 700 });
    const good = [await shop.upload(picture), await shop.upload(picture)];
    const poison = await shop.upload(Buffer.from('KILLS the decoder'));
    good.push(await shop.upload(picture), await shop.upload(picture));
    await shop.until(() => outcomesOf(shop, poison).includes('refused'));
    await shop.until(() => good.every((mediaId) => outcomesOf(shop, mediaId).includes('published')));
    t.like(
      shop.announced.find(({ mediaId }) => mediaId === poison),
      { outcome: 'refused', code: 'MEDIA_CORRUPT' },
    );
    t.is(service.deaths, 1, 'after the first death it is decoded in a process of its own');
  },
);

test.serial('settings that do not describe a service are told in one plain sentence', async (t) => {
  await using shop = await openShop();
  await using s3 = await startS3Server();
  const env = { ...process.env, ...(await environmentOf(shop, s3)), S3_ACCESS_KEY_ID: '', LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [fileURLToPath(mainFile)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let output = '';
  for await (const chunk of child.stdout) output += chunk;
  t.regex(output, /S3_BUCKET is set: S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY_FILE must be set too\./);
  t.deepEqual(await exited, [2, null]);
});

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
