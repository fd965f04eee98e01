import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { topics } from '@sgp/shared/topics';
import test from 'ava';
import sharp from 'sharp';
import { derivedNames } from '../src/photos/photo.ts';
import { createGate } from '../src/work/backoff.ts';
import { photoJpeg } from './support/pictures.ts';
import { openRunningApp } from './support/running-app.ts';
import { est, newId, outcomesOf } from './support/shop.ts';

test('an uploaded photo is derived, published and announced with its keys', async (t) => {
  await using app = await openRunningApp();
  const mediaId = await app.shop.upload(await photoJpeg({ width: 1600, height: 1200 }));
  await app.shop.until((all) => all.some((message) => message.outcome === 'published'));
  const message = app.shop.announced.find((each) => each.outcome === 'published');
  t.like(message, { mediaId, width: 1600, height: 1200, takenAt: Date.parse('2026-03-04T05:06:07-03:00') });
  const { companyId, establishmentId } = app.shop.tenant;
  for (const preset of [160, 480, 1280] as const) {
    const key = `${companyId}/${establishmentId}/${mediaId}/${preset}`;
    t.is(message?.outcome === 'published' && message.keys[preset], key);
    for (const extension of ['webp', 'jpg']) {
      const stored = app.s3.objects.get(`${key}.${extension}`);
      t.is(stored?.contentType, extension === 'jpg' ? 'image/jpeg' : 'image/webp');
      t.deepEqual(stored?.body, await readFile(join(app.shop.mediaDir, 'derived', mediaId, `${preset}.${extension}`)));
      t.is((await sharp(stored?.body).metadata()).width, preset);
    }
  }
  t.is(app.s3.objects.size, 6);
});

test('a repeated announcement of a finished photo announces its outcome again and uploads nothing', async (t) => {
  await using app = await openRunningApp();
  const mediaId = await app.shop.upload(await photoJpeg({ width: 400, height: 300 }));
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('published'));
  const puts = app.s3.requests.length;
  await app.shop.announceUpload(mediaId, 1);
  await app.shop.until(() => outcomesOf(app.shop, mediaId).filter((outcome) => outcome === 'published').length === 2);
  t.is(app.s3.requests.length, puts);
});

test('files that cannot be used are refused with their reason and disturb no other photo', async (t) => {
  await using app = await openRunningApp();
  const good = await photoJpeg({ width: 800, height: 600 });
  const text = await app.shop.upload(Buffer.from('this is no image'));
  const cut = await app.shop.upload(good.subarray(0, good.length / 2));
  const empty = await app.shop.upload(Buffer.alloc(0));
  const fine = await app.shop.upload(good);
  await app.shop.until((all) => all.filter(({ outcome }) => outcome === 'refused').length === 3);
  await app.shop.until(() => outcomesOf(app.shop, fine).includes('published'));
  const codeOf = (mediaId: string): unknown =>
    app.shop.announced.flatMap((each) => (each.outcome === 'refused' && each.mediaId === mediaId ? each.code : []))[0];
  t.is(codeOf(text), 'MEDIA_NOT_IMAGE');
  t.is(codeOf(cut), 'MEDIA_CORRUPT');
  t.is(codeOf(empty), 'MEDIA_NOT_IMAGE');
});

test('an original that is not on the disk is refused after a few looks; once it is put back, a repeat undoes that', async (t) => {
  await using app = await openRunningApp();
  const mediaId = newId();
  await app.shop.announceUpload(mediaId, 1);
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('refused'));
  t.like(app.shop.announced[0], { outcome: 'refused', code: 'MEDIA_ORIGINAL_MISSING' });
  await writeFile(join(app.shop.mediaDir, 'originals', mediaId), await photoJpeg({ width: 300, height: 200 }));
  await app.shop.announceUpload(mediaId, 1);
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('published'));
  t.is((await app.photos.find(mediaId))?.refused, null);
});

test('while the bucket is down nothing is lost and photos are still derived; when it is back all are published once', async (t) => {
  await using app = await openRunningApp();
  app.s3.setDown('refusing');
  const picture = await photoJpeg({ width: 500, height: 400 });
  const ids = await Promise.all(Array.from({ length: 12 }, () => app.shop.upload(picture)));
  await app.shop.until((all) => all.filter(({ outcome }) => outcome === 'derived').length === ids.length);
  t.is(app.s3.objects.size, 0);
  const tried = app.s3.requests.length;
  t.true(tried <= 6, `one try at a time knocks at a closed bucket; there were ${tried}`);
  app.s3.setDown(null);
  await app.shop.until((all) => all.filter(({ outcome }) => outcome === 'published').length === ids.length);
  t.is(app.s3.objects.size, ids.length * derivedNames.length);
  t.is((await app.photos.summary()).byState.published, ids.length);
});

test('a bucket that answers 503 is waited for; metrics tell how often it failed and what waits', async (t) => {
  await using app = await openRunningApp();
  app.s3.setDown('failing');
  const mediaId = await app.shop.upload(await photoJpeg({ width: 300, height: 200 }));
  const failed = Promise.withResolvers<void>();
  app.s3.onRequest((request) => request.status === 503 && failed.resolve());
  await failed.promise;
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('derived'));
  const text = await (await fetch(`${app.url}/metrics`)).text();
  t.regex(text, /sgp_media_photos\{state="derived",service="media-sync"\} 1/);
  t.regex(text, /sgp_media_uploads_total\{outcome="unavailable",service="media-sync"\} [1-9]/);
  t.is((await fetch(`${app.url}/readyz`)).status, 200, 'a store that is away does not make the service unready');
  app.s3.setDown(null);
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('published'));
  t.deepEqual(outcomesOf(app.shop, mediaId), ['derived', 'published']);
});

test('when the bridge reaches the cloud again, the next try does not wait for its timer', async (t) => {
  const gate = createGate(2);
  gate.failed(Date.now() + 60 * 60 * 1000);
  await using app = await openRunningApp({ gate });
  const mediaId = await app.shop.upload(await photoJpeg({ width: 300, height: 200 }));
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('derived'));
  t.is(app.s3.requests.length, 0);
  const status = {
    state: 'offline',
    at: Date.now(),
    lastAckAt: null,
    offlineSince: Date.now(),
    pendingChanges: 0,
    oldestPendingAt: null,
    pendingMedia: 1,
    parkedChanges: 0,
    clockSkewMs: null,
    ackedSeq: 0,
    error: null,
  };
  await app.shop.publishRetained(topics.syncStatus(est), status);
  await app.shop.publishRetained(topics.syncStatus(est), { ...status, state: 'ok', offlineSince: null });
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('published'));
  t.is(gate.failures, 0);
});

test('what the bucket forgot is found by the audit and uploaded again without a new announcement', async (t) => {
  await using app = await openRunningApp({ auditIntervalMs: 50 });
  const mediaId = await app.shop.upload(await photoJpeg({ width: 700, height: 500 }));
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('published'));
  const { companyId, establishmentId } = app.shop.tenant;
  const keyOf = (name: string): string => `${companyId}/${establishmentId}/${mediaId}/${name}`;
  const uploadedAgain = (names: readonly string[]): Promise<void> => {
    const wanted = new Set(names.map(keyOf));
    const all = Promise.withResolvers<void>();
    app.s3.onRequest((request) => {
      const kept = request.method === 'PUT' && app.s3.objects.has(request.key);
      if (kept && wanted.delete(request.key) && wanted.size === 0) all.resolve();
    });
    return all.promise;
  };

  app.s3.forget(keyOf('480.webp'));
  await uploadedAgain(['480.webp']);
  const original = app.s3.objects.get(keyOf('1280.jpg'))?.body;

  await rm(join(app.shop.mediaDir, 'derived', mediaId), { recursive: true });
  for (const name of derivedNames) app.s3.forget(keyOf(name));
  await uploadedAgain(derivedNames);
  t.deepEqual(app.s3.objects.get(keyOf('1280.jpg'))?.body, original, 'derived anew from the original');
  t.deepEqual(outcomesOf(app.shop, mediaId), ['derived', 'published']);
});

test('a bucket that takes an object and does not keep it is not believed', async (t) => {
  await using app = await openRunningApp();
  app.s3.onRequest((request) => request.method === 'PUT' && app.s3.requests.length < 6 && app.s3.forget(request.key));
  const mediaId = await app.shop.upload(await photoJpeg({ width: 300, height: 200 }));
  await app.shop.until(() => outcomesOf(app.shop, mediaId).includes('published'));
  t.is(app.s3.objects.size, 6);
  t.true(app.s3.requests.some(({ method, status }) => method === 'HEAD' && status === 404));
});
