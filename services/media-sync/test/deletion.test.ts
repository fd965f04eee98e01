import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { startS3Server } from '../../../test/support/s3-server.ts';
import { openMediaDatabase } from '../src/db.ts';
import { createDerivePhoto, type DerivePhoto } from '../src/derive/derive-photo.ts';
import { openMediaFiles } from '../src/derive/derived-files.ts';
import { createPixelBudget } from '../src/derive/pixel-budget.ts';
import { createPhotoStore } from '../src/photos/photo-store.ts';
import { faultOf } from '../src/storage/object-store.ts';
import { environmentOf, keepRunning, mainFile } from './support/media-process.ts';
import { photoJpeg } from './support/pictures.ts';
import { openRunningApp, type RunningApp } from './support/running-app.ts';
import { newId, openShop, outcomesOf, type Shop } from './support/shop.ts';

const picture = await photoJpeg({ width: 500, height: 400 });

const told = (shop: Shop, mediaId: string, outcome: string): Promise<void> =>
  shop.until(() => outcomesOf(shop, mediaId).includes(outcome));

/** The row goes right after the broker acknowledged the news, which a listener may hear before: looked for until the test's time is up. */
async function rowGone(app: RunningApp, mediaId: string): Promise<true> {
  while ((await app.photos.find(mediaId)) !== null) await setTimeout(10);
  return true;
}

test('a deleted photo leaves the bucket, the disk and media.db, and the others stay', async (t) => {
  await using app = await openRunningApp();
  const [gone, kept] = [await app.shop.upload(picture), await app.shop.upload(picture)];
  await Promise.all([gone, kept].map((mediaId) => told(app.shop, mediaId, 'published')));
  await app.shop.remove(gone);
  await told(app.shop, gone, 'deleted');
  t.is(app.s3.objects.size, 6);
  t.true([...app.s3.objects.keys()].every((key) => key.includes(kept)));
  t.deepEqual(await readdir(join(app.shop.mediaDir, 'derived')), [kept]);
  t.true(await rowGone(app, gone));
  t.deepEqual(outcomesOf(app.shop, gone), ['derived', 'published', 'deleted']);
});

test('deleting again what is gone, or what media.db never knew, is confirmed', async (t) => {
  await using app = await openRunningApp();
  const mediaId = newId();
  await app.shop.remove(mediaId);
  await told(app.shop, mediaId, 'deleted');
  t.true(await rowGone(app, mediaId));
  await app.shop.remove(mediaId);
  await app.shop.until(() => outcomesOf(app.shop, mediaId).length === 2);
  t.deepEqual(outcomesOf(app.shop, mediaId), ['deleted', 'deleted']);
  t.true(app.s3.requests.some(({ method, status }) => method === 'DELETE' && status === 404));
});

for (const how of ['refusing', 'failing'] as const)
  test(`while the bucket is ${how} a deletion waits, and it goes when the bucket is back`, async (t) => {
    await using app = await openRunningApp();
    const mediaId = await app.shop.upload(picture);
    await told(app.shop, mediaId, 'published');
    app.s3.setDown(how);
    await app.shop.remove(mediaId);
    // A bucket that refuses connections hears of no try: they are counted where they are made.
    while (((await app.photos.find(mediaId))?.publishAttempts ?? 0) < 2) await setTimeout(10);
    t.false(outcomesOf(app.shop, mediaId).includes('deleted'));
    t.is(app.s3.objects.size, 6);
    app.s3.setDown(null);
    await told(app.shop, mediaId, 'deleted');
    t.is(app.s3.objects.size, 0);
  });

test('a photo deleted while its thumbnails are made reaches neither the bucket nor the disk', async (t) => {
  const started = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let real: DerivePhoto | null = null;
  await using app = await openRunningApp({
    async derivePhoto(job) {
      const budget = createPixelBudget(limits.mediaPixelsMax, 2);
      real ??= createDerivePhoto({ files: openMediaFiles(app.shop.mediaDir), budget, timeZone: 'UTC' });
      const outcome = await real(job);
      started.resolve();
      await goOn.promise;
      return outcome;
    },
  });
  const mediaId = await app.shop.upload(picture);
  await started.promise;
  await app.shop.remove(mediaId);
  const other = newId();
  await app.shop.remove(other);
  await told(app.shop, other, 'deleted');
  t.deepEqual(outcomesOf(app.shop, mediaId), [], 'it waits for those who work on the photo');
  goOn.resolve();
  await told(app.shop, mediaId, 'deleted');
  t.deepEqual(outcomesOf(app.shop, mediaId), ['deleted']);
  t.deepEqual(await readdir(join(app.shop.mediaDir, 'derived')), []);
  t.false(app.s3.requests.some(({ method }) => method === 'PUT'));
});

test('a photo deleted while it is on its way to the bucket does not stay there, nor come back by a late announcement', async (t) => {
  await using app = await openRunningApp();
  const removed = new Set<string>();
  app.s3.onRequest(({ method, key }) => {
    const mediaId = key.split('/')[2] as string;
    if (method !== 'PUT' || removed.has(mediaId)) return;
    removed.add(mediaId);
    void app.shop.remove(mediaId);
  });
  const mediaId = await app.shop.upload(picture);
  await told(app.shop, mediaId, 'deleted');
  t.is(app.s3.objects.size, 0);
  t.false(outcomesOf(app.shop, mediaId).includes('published'));
  await app.shop.announceUpload(mediaId, picture.length);
  await told(app.shop, mediaId, 'refused');
  t.like(app.shop.announced.at(-1), { mediaId, outcome: 'refused', code: 'MEDIA_ORIGINAL_MISSING' });
  t.is(app.s3.objects.size, 0);
});

test('a bucket that lets nobody delete holds up no other photo', async (t) => {
  await using app = await openRunningApp({
    faceOf: (bucket) => ({ ...bucket, remove: async () => faultOf(403, 'AccessDenied') }),
  });
  const first = await app.shop.upload(picture);
  await told(app.shop, first, 'published');
  await app.shop.remove(first);
  for (let n = 0; n < 3; n += 1) await told(app.shop, await app.shop.upload(picture), 'published');
  t.like((await app.photos.summary()).byState, { published: 3, deleting: 1 });
});

test.serial('kill -9 at any step of a deletion: it ends, is confirmed, and nothing of the photo is left', async (t) => {
  t.timeout(4 * 60_000, 'a busy machine takes seconds for each start');
  // The first DELETE, one in the middle, and the last answer before the confirmation.
  const moments = [
    { method: 'DELETE', nth: 1 },
    { method: 'DELETE', nth: 4 },
    { method: 'HEAD', nth: 6 },
  ] as const;
  await using shop = await openShop();
  await using s3 = await startS3Server({ profile: 'strict' });
  await using service = keepRunning(mainFile, [], await environmentOf(shop, s3));
  await shop.heard;
  for (const { method, nth } of moments) {
    const mediaId = await shop.upload(picture);
    await told(shop, mediaId, 'published');
    let seen = 0;
    let killed: Promise<void> | null = null;
    s3.onRequest((request) => {
      if (request.method !== method || !request.key.includes(mediaId)) return;
      seen += 1;
      if (seen === nth) killed = service.kill();
    });
    await shop.remove(mediaId);
    await told(shop, mediaId, 'deleted');
    await killed;
    t.is(s3.objects.size, 0, `${method} ${nth}`);
    t.deepEqual(await readdir(join(shop.mediaDir, 'derived')), []);
  }
  t.is(service.deaths, moments.length);
  await using stack = new AsyncDisposableStack();
  const photos = createPhotoStore(await openMediaDatabase(stack, `sqlite:${join(shop.dir, 'media.db')}`));
  t.is((await photos.summary()).byState.published, 0);
});
