import { migrate, openDatabase } from '@sgp/service-kit/database';
import { limits } from '@sgp/shared/limits';
import test, { type ExecutionContext } from 'ava';
import { migrations } from '../src/migrations/list.ts';
import { type Derived, derivedNames, type FileSizes } from '../src/photos/photo.ts';
import { createPhotoStore, type PhotoStore } from '../src/photos/photo-store.ts';
import { backoffMs, createGate } from '../src/work/backoff.ts';
import { newId } from './support/shop.ts';

async function openStore(t: ExecutionContext): Promise<PhotoStore> {
  const db = openDatabase('sqlite::memory:', { durability: 'normal' });
  t.teardown(() => db.destroy());
  await migrate(db, migrations);
  return createPhotoStore(db);
}

const upload = (mediaId = newId()) => ({ mediaId, orderId: newId(), file: mediaId, sizeBytes: 5 });
const derived: Derived = {
  width: 4,
  height: 3,
  thumbhash: 'AAA=',
  takenAt: null,
  sizes: Object.fromEntries(derivedNames.map((name) => [name, 1])) as FileSizes,
};
const idle = { nowMs: 1_000, busy: new Set<string>(), oldestFirst: false };

test('the newest photo goes first, the oldest when it is asked for, and none twice at once', async (t) => {
  const photos = await openStore(t);
  const [old, middle, young] = [upload(), upload(), upload()];
  await photos.receive([old], 1);
  await photos.receive([middle], 2);
  await photos.receive([young], 3);
  const busy = new Set<string>();
  for (const [wanted, oldestFirst] of [
    [young, false],
    [old, true],
    [middle, false],
  ] as const) {
    const { photo } = await photos.takeToDerive({ nowMs: 10, busy, oldestFirst });
    t.is(photo?.mediaId, wanted.mediaId);
    busy.add(wanted.mediaId);
  }
  t.deepEqual(await photos.takeToDerive({ nowMs: 10, busy, oldestFirst: false }), { photo: null, nextDueAt: null });
});

test('a start is counted before the work, stays counted when the work dies, and is forgiven after an orderly failure', async (t) => {
  const photos = await openStore(t);
  const { mediaId, ...rest } = upload();
  await photos.receive([{ mediaId, ...rest }], 1);
  t.is((await photos.takeToDerive(idle)).photo?.deriveStarts, 1);
  t.is((await photos.takeToDerive(idle)).photo?.deriveStarts, 2);
  await photos.retryDeriveSuspect(mediaId, 5_000);
  t.deepEqual(await photos.takeToDerive(idle), { photo: null, nextDueAt: 5_000 });
  t.is((await photos.takeToDerive({ ...idle, nowMs: 5_000 })).photo?.deriveStarts, 3);
  await photos.retryDerive(mediaId, 0);
  t.like((await photos.takeToDerive(idle)).photo, { deriveStarts: 1, deriveFailures: 1 });
});

test('a photo goes up its states once; each is told once, and a repeated upload has the outcome told again', async (t) => {
  const photos = await openStore(t);
  const one = upload();
  await photos.receive([one, one], 1);
  t.is(await photos.nextUnannounced(), null);
  await photos.saveDerived(one.mediaId, derived);
  t.like(await photos.nextUnannounced(), { state: 'derived' });
  await photos.saveAnnounced(one.mediaId, 'derived');
  t.is(await photos.nextUnannounced(), null);
  await photos.savePublished(one.mediaId, 2);
  await photos.saveAnnounced(one.mediaId, 'derived');
  t.like(await photos.nextUnannounced(), { state: 'published' }, 'an old telling does not hide the news');
  await photos.saveAnnounced(one.mediaId, 'published');
  t.is(await photos.nextUnannounced(), null);
  await photos.receive([one], 3);
  t.like(await photos.nextUnannounced(), { state: 'published', receivedAt: 1 });
});

test('a repair passes through its states in silence', async (t) => {
  const photos = await openStore(t);
  const one = upload();
  await photos.receive([one], 1);
  await photos.saveDerived(one.mediaId, derived);
  await photos.savePublished(one.mediaId, 2);
  await photos.saveAnnounced(one.mediaId, 'published');
  t.is((await photos.listToCheck(2, 10)).length, 1);
  t.is((await photos.listToCheck(1, 10)).length, 0);
  await photos.saveForgotten(one.mediaId);
  t.is(await photos.nextUnannounced(), null);
  t.is((await photos.takeToPublish(idle)).photo?.mediaId, one.mediaId);
  await photos.deriveAnew(one.mediaId);
  await photos.saveDerived(one.mediaId, derived);
  t.is(await photos.nextUnannounced(), null);
  await photos.savePublished(one.mediaId, 3);
  t.is(await photos.nextUnannounced(), null);
});

test('a repeated upload undoes a missing original and no other refusal', async (t) => {
  const photos = await openStore(t);
  const [missing, corrupt] = [upload(), upload()];
  await photos.receive([missing, corrupt], 1);
  await photos.saveRefused(missing.mediaId, { code: 'MEDIA_ORIGINAL_MISSING', detail: 'gone' });
  await photos.saveRefused(corrupt.mediaId, { code: 'MEDIA_CORRUPT', detail: 'cut' });
  await photos.receive([missing, corrupt], 2);
  t.like(await photos.find(missing.mediaId), { state: 'uploaded', refused: null });
  t.like(await photos.find(corrupt.mediaId), { state: 'refused', refused: { code: 'MEDIA_CORRUPT', detail: 'cut' } });
  t.like(await photos.summary(), { byState: { uploaded: 1, refused: 1 }, unannounced: 1, oldestPendingAt: 1 });
});

test('waits grow from the least to the most, with jitter, and never leave those bounds', (t) => {
  t.is(backoffMs(1, 0), limits.mediaRetryMinMs);
  t.is(backoffMs(1, 1), 2 * limits.mediaRetryMinMs);
  t.is(backoffMs(1_000, 1), limits.mediaRetryMaxMs);
  for (let failures = 1; failures < 40; failures++)
    for (const random of [0, 0.5, 1]) {
      const ms = backoffMs(failures, random);
      t.true(ms >= limits.mediaRetryMinMs && ms <= limits.mediaRetryMaxMs);
    }
});

test('an outage of an hour costs a few tries: one at a time, and the way is wide open after the first success', (t) => {
  const gate = createGate(2);
  t.like(gate.allowed(0), { atOnce: 2 });
  const hour = 60 * 60 * 1000;
  let tries = 0;
  for (let now = 0; now < hour; ) {
    const { atOnce, lookAgainAt } = gate.allowed(now);
    if (atOnce === 0) {
      now = lookAgainAt ?? hour;
      continue;
    }
    tries += 1;
    gate.failed(now);
    gate.failed(now);
    t.is(gate.failures, tries, 'two that fail together are one failure');
  }
  t.true(tries >= 15 && tries <= 45, `${tries} tries`);
  gate.reset();
  t.like(gate.allowed(hour), { atOnce: 1 });
  gate.succeeded();
  t.like(gate.allowed(hour), { atOnce: 2 });
});
