import { mkdir, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Media, Order } from '@sgp/shared/api/orders';
import { limits } from '@sgp/shared/limits';
import { orderSnapshotSchema } from '@sgp/shared/order-snapshot';
import { topics } from '@sgp/shared/topics';
import test, { type ExecutionContext } from 'ava';
import { listenEvents } from '../../../test/support/sse.ts';
import { createDeletedMediaStore } from '../src/media/deleted-media-store.ts';
import { imageTypeOf } from '../src/media/image-type.ts';
import { type MediaFiles, openMediaFiles, writeAll } from '../src/media/media-files.ts';
import { createMediaService } from '../src/media/media-service.ts';
import { createMediaStore } from '../src/media/media-store.ts';
import { createOrderStore } from '../src/orders/order-store.ts';
import { createOrderWriter } from '../src/orders/order-writer.ts';
import { createHlcStore } from '../src/outbox/hlc-store.ts';
import { createOutboxStore } from '../src/outbox/outbox-store.ts';
import { createShopStore } from '../src/shop/shop-store.ts';
import { type Browser, openBrowser } from './support/browser.ts';
import { makeShopFolder, startApi } from './support/process.ts';
import { addOrder, jpegBytes, openShopApp, owner, photoId, type ShopApp, signedIn } from './support/shop-app.ts';
import { openShopBroker } from './support/shop-broker.ts';
import { openStreams } from './support/streams.ts';
import { tempDir } from './support/temp-dir.ts';

const begin = (browser: Browser, orderId: string, sizeBytes: number, mediaId = photoId()): Promise<Media> =>
  browser.ok('POST', `/api/orders/${orderId}/media`, { mediaId, fileName: 'foto "nova".jpg', sizeBytes });

async function uploaded(browser: Browser, orderId: string): Promise<Media> {
  const bytes = jpegBytes(3000);
  const { mediaId } = await begin(browser, orderId, bytes.length);
  const answer = await browser.bytes(`/api/media/${mediaId}/content`, 0, bytes);
  return answer.body as Media;
}

const published = ({ mediaId }: Media) => ({
  outcome: 'published',
  mediaId,
  width: 1200,
  height: 800,
  thumbhash: 'abcd',
  takenAt: Date.UTC(2026, 0, 2),
  keys: { 160: `c/e/${mediaId}/160`, 480: `c/e/${mediaId}/480`, 1280: `c/e/${mediaId}/1280` },
});

async function newest(app: ShopApp) {
  return orderSnapshotSchema.parse(JSON.parse((await app.db('outbox').orderBy('seq', 'desc').first()).payload));
}

/** Publishes an outcome and waits until the screens were told. */
async function outcome(
  t: ExecutionContext,
  app: ShopApp,
  browser: Browser,
  message: { mediaId: string; outcome: string },
) {
  using events = await listenEvents(`${app.url}/api/events`, browser.cookie);
  const next = events.next('media.changed');
  await app.broker.publish(topics.mediaPublished('aurora'), message);
  t.like((await next).data, { mediaId: message.mediaId, state: message.outcome });
}

test('an upload resumes where it stands, refuses bytes that do not continue it, and is announced when whole', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { orderId } = await addOrder(browser);
  const bytes = jpegBytes(2500);
  const { mediaId, ...started } = await begin(browser, orderId, bytes.length);
  t.like(started, { state: 'uploading', receivedBytes: 0, visible: true, stage: { key: 'recebido' } });
  t.is((await begin(browser, orderId, bytes.length, mediaId)).mediaId, mediaId, 'a repeat is the same upload');
  const path = `/api/media/${mediaId}/content`;
  t.like((await browser.bytes(path, 0, bytes.subarray(0, 1000))).body, { receivedBytes: 1000, state: 'uploading' });
  for (const offset of [0, 999, 1001, 2500]) {
    const wrong = await browser.bytes(path, offset, bytes.subarray(0, 10));
    t.is(wrong.status, 409);
    t.like(wrong.body, { code: 'UPLOAD_OFFSET_MISMATCH', details: { offset: 1000 } });
  }
  t.is((await browser.bytes(path, 1000, new Uint8Array(1501))).status, 422, 'more bytes than announced');
  t.is((await browser.bytes(path, 1000, new Uint8Array(0))).status, 422);
  t.like(await browser.ok('GET', `/api/media/${mediaId}`), { receivedBytes: 1000 });
  const both = await Promise.all([1, 2].map(() => browser.bytes(path, 1000, bytes.subarray(1000))));
  t.deepEqual(both.map((answer) => answer.status).sort(), [200, 409], 'two tabs send the same bytes: once');
  t.like(await browser.ok('GET', `/api/media/${mediaId}`), { receivedBytes: 2500, state: 'uploaded' });
  t.deepEqual(await app.broker.wait(topics.mediaUploaded('aurora')), {
    mediaId,
    orderId,
    file: mediaId,
    sizeBytes: 2500,
  });
  const original = await browser.send('GET', `/api/media/${mediaId}/original`);
  t.deepEqual(original.body, Buffer.from(bytes));
  t.is(original.headers.get('content-type'), 'image/jpeg');
  t.is(original.headers.get('content-disposition'), "inline; filename*=UTF-8''foto%20%22nova%22.jpg");
  t.deepEqual(await readdir(join(app.dir, 'media', 'incoming')), []);
  t.is((await browser.ok<Order>('GET', `/api/orders/${orderId}`)).photoCount, 1);
});

test('a file that is no image is refused with its reason and removed, and one too large is not begun', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { orderId } = await addOrder(browser);
  const bytes = Buffer.from('<svg onload="alert(1)">'.padEnd(600));
  const { mediaId } = await begin(browser, orderId, bytes.length);
  const answer = await browser.bytes(`/api/media/${mediaId}/content`, 0, bytes);
  t.like(answer.body, { state: 'refused', receivedBytes: 600, error: { code: 'MEDIA_NOT_IMAGE' } });
  for (const folder of ['incoming', 'originals']) t.deepEqual(await readdir(join(app.dir, 'media', folder)), []);
  t.deepEqual(app.broker.heard(topics.mediaUploaded('aurora')), []);
  t.is((await browser.refused('POST', `/api/media/${mediaId}/retry`)).code, 'MEDIA_ORIGINAL_MISSING');
  t.is((await browser.refused('GET', `/api/media/${mediaId}/original`)).code, 'NOT_FOUND');
  const tooLarge = { mediaId: photoId(), fileName: 'x', sizeBytes: limits.mediaFileMaxBytes + 1 };
  t.is((await browser.refused('POST', `/api/orders/${orderId}/media`, tooLarge)).code, 'MEDIA_TOO_LARGE');
  const other = await browser.refused('POST', `/api/orders/${orderId}/media`, { mediaId, fileName: 'x', sizeBytes: 5 });
  t.is(other.code, 'ALREADY_EXISTS');
  const chunk = await browser.bytes(`/api/media/${mediaId}/content`, 0, new Uint8Array(limits.mediaChunkMaxBytes + 1));
  t.is((chunk.body as { code: string }).code, 'BODY_TOO_LARGE');
});

test('outcomes of media-sync become states, and a published photo a new version of its order, once', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { orderId } = await addOrder(browser);
  const photo = await uploaded(browser, orderId);
  await app.broker.publish(topics.mediaPublished('aurora'), { outcome: 'surprise' });
  const { keys: _, ...derived } = { ...published(photo), outcome: 'derived' };
  await outcome(t, app, browser, derived);
  const withCover = await browser.ok<Order>('GET', `/api/orders/${orderId}`);
  t.like(withCover, { version: 1, coverMediaId: photo.mediaId });
  await outcome(t, app, browser, published(photo));
  const snapshot = await newest(app);
  t.like(snapshot, { version: 2 });
  t.like(snapshot.media[0], {
    mediaId: photo.mediaId,
    width: 1200,
    visible: true,
    takenAt: '2026-01-02T00:00:00.000Z',
  });
  // A repeat, a late `derived` and a late refusal change nothing; the next photo proves that they were read.
  const second = await uploaded(browser, orderId);
  for (const late of [
    published(photo),
    derived,
    { outcome: 'refused', mediaId: photo.mediaId, code: 'MEDIA_CORRUPT', detail: '' },
  ])
    await app.broker.publish(topics.mediaPublished('aurora'), late);
  await outcome(t, app, browser, {
    outcome: 'refused',
    mediaId: second.mediaId,
    code: 'MEDIA_CORRUPT',
    detail: 'ends too early',
  } as never);
  const order = await browser.ok<Order>('GET', `/api/orders/${orderId}`);
  t.is(order.version, 2);
  t.deepEqual(
    order.media.map(({ state, error }) => [state, error?.code]),
    [
      ['published', undefined],
      ['refused', 'MEDIA_CORRUPT'],
    ],
  );
  t.like(await browser.ok('POST', `/api/media/${second.mediaId}/retry`), { state: 'uploaded', error: null });
  const announced = topics.mediaUploaded('aurora');
  await app.broker.wait(announced, () => app.broker.heard(announced).length === 3);
});

test('hiding and removing a published photo are new versions; the files go with it', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { orderId } = await addOrder(browser);
  const photo = await uploaded(browser, orderId);
  await outcome(t, app, browser, published(photo));
  await browser.ok('PATCH', `/api/media/${photo.mediaId}`, { visible: false });
  await browser.ok('PATCH', `/api/media/${photo.mediaId}`, { visible: false });
  t.like(await newest(app), { version: 3 });
  t.false((await newest(app)).media[0]?.visible);
  const folder = join(app.dir, 'media', 'derived', photo.mediaId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '480.webp'), 'RIFFxxxxWEBP');
  const preview = await browser.send('GET', `/api/media/${photo.mediaId}/preview/480`);
  t.is(preview.headers.get('content-type'), 'image/webp');
  t.regex(preview.headers.get('cache-control') ?? '', /private.*immutable/);
  const again = await browser.send('GET', `/api/media/${photo.mediaId}/preview/480`, undefined, {
    'if-none-match': preview.headers.get('etag') ?? '',
    // Without it, fetch asks to bypass every cache.
    'cache-control': 'max-age=0',
  });
  t.is(again.status, 304);
  t.is((await browser.refused('GET', `/api/media/${photo.mediaId}/preview/160`)).code, 'NOT_FOUND');
  t.is((await browser.refused('GET', `/api/media/${photo.mediaId}/preview/999`)).code, 'BODY_INVALID');
  await browser.ok('DELETE', `/api/media/${photo.mediaId}`);
  t.like(await newest(app), { version: 4, media: [] });
  t.deepEqual(await readdir(join(app.dir, 'media', 'originals')), []);
  t.deepEqual(await readdir(join(app.dir, 'media', 'derived')), []);
  t.is((await browser.refused('GET', `/api/media/${photo.mediaId}`)).code, 'NOT_FOUND');
  const order = await browser.ok<Order>('GET', `/api/orders/${orderId}`);
  t.deepEqual(
    order.history.map(({ kind, data }) => data['action'] ?? kind),
    ['removed', 'hidden', 'added', 'created'],
  );
});

test('an upload that a kill -9 interrupted goes on, and what was announced before is announced again', async (t) => {
  await using stack = new AsyncDisposableStack();
  const broker = await openShopBroker(stack);
  const folder = await makeShopFolder(await tempDir(stack));
  let api = await startApi(stack, folder, broker.url);
  let browser = openBrowser(api.url);
  await browser.ok('POST', '/api/setup/owner', owner);
  const { orderId } = await addOrder(browser);
  const whole = await uploaded(browser, orderId);
  const bytes = jpegBytes(9000);
  const { mediaId } = await begin(browser, orderId, bytes.length);
  await browser.bytes(`/api/media/${mediaId}/content`, 0, bytes.subarray(0, 4000));
  const announced = broker.heard(topics.mediaUploaded('aurora')).length;
  await api.kill();
  api = await startApi(stack, folder, broker.url);
  browser = Object.assign(openBrowser(api.url), { cookie: browser.cookie });
  t.like(await browser.ok('GET', `/api/media/${mediaId}`), { receivedBytes: 4000, state: 'uploading' });
  t.like((await browser.bytes(`/api/media/${mediaId}/content`, 4000, bytes.subarray(4000))).body, {
    state: 'uploaded',
  });
  t.deepEqual((await browser.send('GET', `/api/media/${mediaId}/original`)).body, Buffer.from(bytes));
  await broker.wait(topics.mediaUploaded('aurora'), (each) => (each as Media).mediaId === mediaId);
  const after = broker.heard(topics.mediaUploaded('aurora')).slice(announced);
  t.true(after.some((each) => (each as Media).mediaId === whole.mediaId));
});

test('a disk that takes bytes piece by piece gets all of them, and a full one is said to be full', async (t) => {
  await using stack = new AsyncDisposableStack();
  const path = join(await tempDir(stack), 'part');
  const bytes = jpegBytes(100);
  const file = stack.adopt(await open(path, 'w'), (each) => each.close());
  const inPieces = {
    write: (all: Uint8Array, from: number, length: number, at: number) =>
      file.write(all, from, Math.min(length, 7), at),
  };
  await writeAll(inPieces, bytes, 50);
  t.deepEqual(await readFile(path), Buffer.concat([Buffer.alloc(50), bytes]));
  const full = { write: async () => ({ bytesWritten: 0 }) };
  await t.throwsAsync(writeAll(full, bytes, 0), { code: 'ENOSPC' });
});

test('a part that lost bytes on the disk does not become the original', async (t) => {
  await using stack = new AsyncDisposableStack();
  const dir = await tempDir(stack);
  const files = await openMediaFiles(dir);
  const mediaId = photoId();
  await files.writePart(mediaId, 0, jpegBytes(3000));
  await truncate(join(dir, 'incoming', mediaId), 2999);
  await t.throwsAsync(files.finish(mediaId, 3000), { message: /2999 of 3000/ });
  t.false(await files.hasOriginal(mediaId));
  await files.writePart(mediaId, 0, jpegBytes(3000));
  await files.finish(mediaId, 3000);
  t.true(await files.hasOriginal(mediaId));
});

test('a photo that is hidden while its bytes are written stays hidden', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { orderId } = await addOrder(browser);
  const actor = { userId: null, who: 'Ana', address: null };
  let meanwhile: (mediaId: string) => Promise<unknown> = async () => undefined;
  const files: MediaFiles = {
    ...app.files,
    async writePart(mediaId, offset, bytes) {
      await app.files.writePart(mediaId, offset, bytes);
      await meanwhile(mediaId);
    },
  };
  const service = createMediaService({
    db: app.db,
    media: createMediaStore(),
    deleted: createDeletedMediaStore(),
    files,
    orders: createOrderStore(),
    writer: createOrderWriter({
      db: app.db,
      orders: createOrderStore(),
      shop: createShopStore(),
      audit: openStreams(app.db, app.identity).audit,
      outbox: createOutboxStore(),
      hlc: createHlcStore(app.identity.nodeId),
      origin: app.identity,
      onWritten() {},
    }),
    audit: openStreams(app.db, app.identity).audit,
    news: { uploaded() {}, deleted() {}, changed() {} },
  });
  const bytes = jpegBytes(2000);
  for (const whole of [false, true]) {
    const { mediaId } = await begin(browser, orderId, bytes.length);
    // The other service knows nothing of this one's locks.
    meanwhile = (id) => app.domain.media.setVisible(id, false, actor);
    await service.append(mediaId, 0, whole ? bytes : bytes.subarray(0, 1000), actor);
    t.false((await service.get(mediaId)).visible);
  }
  const { mediaId } = await begin(browser, orderId, bytes.length);
  const ended: string[] = [];
  let hiding: Promise<unknown> = Promise.resolve();
  meanwhile = async (id) => {
    hiding = service.setVisible(id, false, actor).then(() => ended.push('hidden'));
    // Long enough for a change that waits for nothing: the connection is one, and these come after it.
    for (let n = 0; n < 20; n += 1) await app.db.transaction(async (tx) => tx.raw('select 1'));
  };
  await service.append(mediaId, 0, bytes, actor).then(() => ended.push('written'));
  await hiding;
  t.deepEqual(ended, ['written', 'hidden']);
  t.like(await service.get(mediaId), { visible: false, state: 'uploaded', receivedBytes: 2000 });
});

test('an upload that nobody continues for a day is given up with its part', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const { orderId } = await addOrder(browser);
  const { mediaId } = await begin(browser, orderId, 100);
  await browser.bytes(`/api/media/${mediaId}/content`, 0, new Uint8Array(10));
  await app.domain.media.sweep();
  t.is((await browser.send('GET', `/api/media/${mediaId}`)).status, 200);
  await app.db('media').update({ updated_at: Date.now() - limits.mediaUploadAbandonedMs });
  await app.domain.media.sweep();
  t.is((await browser.send('GET', `/api/media/${mediaId}`)).status, 404);
  t.deepEqual(await readdir(join(app.dir, 'media', 'incoming')), []);
});

test('only the images that SGP reads pass by their first bytes', (t) => {
  const head = (text: string) => imageTypeOf(Buffer.from(text.padEnd(16, '\0'), 'latin1'));
  t.is(head('\xff\xd8\xff\xe1'), 'image/jpeg');
  t.is(head('\x89PNG\r\n\x1a\n'), 'image/png');
  t.is(head('RIFF\0\0\0\0WEBPVP8 '), 'image/webp');
  t.is(head('GIF89a'), 'image/gif');
  t.is(head('MM\0*'), 'image/tiff');
  t.is(head('\0\0\0\x20ftypavif'), 'image/avif');
  for (const other of ['RIFF\0\0\0\0WAVE', '\0\0\0\x20ftypmp42', '<svg', '%PDF-1.7', 'PK\x03\x04', '', 'GIF88a'])
    t.is(head(other), null);
});
