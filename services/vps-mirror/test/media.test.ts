import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '@sgp/service-kit/ids';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { createOwnMediaUrls } from '../src/media/media-urls.ts';
import { createS3MediaUrls } from '../src/media/s3-media-urls.ts';
import { mirrorLimits } from '../src/mirror-limits.ts';
import { createEdge, type Edge } from './support/edge.ts';
import { type Answer, type Bench, openBench, send, testAuthority } from './support/mirror.ts';

const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(2000, 7)]);
const webp = Buffer.concat([Buffer.from('RIFF\u0000\u0000\u0000\u0000WEBPVP8 ', 'latin1'), Buffer.alloc(500, 9)]);

const keyOf = (edge: Edge, mediaId: string, file: string): string =>
  `${edge.record.companyId}/${edge.record.establishmentId}/${mediaId}/${file}`;

const call = async (
  bench: Bench,
  method: 'PUT' | 'HEAD' | 'DELETE',
  key: string,
  body: Buffer,
  over: Parameters<Edge['sign']>[0] | object = {},
): Promise<Answer> => {
  const path = `/internal/media/${key}`;
  const contentType = key.endsWith('.webp') ? 'image/webp' : 'image/jpeg';
  const signed = { method, authority: testAuthority, path, body, contentType, tag: 'media-push/1' as const, ...over };
  return send(bench.mirror.url + path, method, await bench.edge.sign(signed), body);
};
const put = (bench: Bench, key: string, body: Buffer, over = {}) => call(bench, 'PUT', key, body, over);
const remove = (bench: Bench, key: string) => call(bench, 'DELETE', key, Buffer.alloc(0));
const head = (bench: Bench, key: string) => call(bench, 'HEAD', key, Buffer.alloc(0));

/** A signed address for the key, as the tracking API would make it. */
const addressOf = (key: string, nowMs: number): Promise<string> =>
  createOwnMediaUrls({ secret: 'media-secret-of-this-test', now: () => nowMs }).sign(key);

test.serial('a photo that a node stores is found by HEAD and read by its signed address', async (t) => {
  await using bench = await openBench();
  const key = keyOf(bench.edge, newId(), '480.webp');
  t.is((await head(bench, key)).status, 404);
  t.is((await put(bench, key, webp)).status, 201);
  t.is((await put(bench, key, webp)).status, 201, 'storing it again is no error');
  const found = await head(bench, key);
  t.is(found.status, 200);
  t.is(found.headers['content-length'], String(webp.length));
  const read = await send(bench.mirror.url + (await addressOf(key, Date.now())), 'GET', {});
  t.is(read.status, 200);
  t.is(read.headers['content-type'], 'image/webp');
  t.is(read.headers['x-content-type-options'], 'nosniff');
  const folder = join(bench.mirror.mediaDir, ...key.split('/').slice(0, 3));
  t.deepEqual(await readdir(folder), ['480.webp'], 'no half-written file stays');
  t.deepEqual(await readFile(join(folder, '480.webp')), webp);
});

test.serial("a photo of another company or establishment is refused, and so is a node's push signature", async (t) => {
  await using bench = await openBench();
  const { companyId, establishmentId } = bench.edge.record;
  const other = createEdge().record;
  const [mediaId, file] = [newId(), '480.jpg'];
  for (const key of [
    `${other.companyId}/${establishmentId}/${mediaId}/${file}`,
    `${companyId}/${other.establishmentId}/${mediaId}/${file}`,
  ]) {
    t.is((await put(bench, key, jpeg)).code, 'TENANT_MISMATCH');
    t.is((await head(bench, key)).status, 403);
  }
  const own = keyOf(bench.edge, mediaId, file);
  t.is((await put(bench, own, jpeg, { tag: 'snapshot-push/1' })).code, 'SIG_POLICY');
  t.is((await send(`${bench.mirror.url}/internal/media/${own}`, 'PUT', {}, jpeg)).code, 'APIKEY_INVALID');
  t.is((await head(bench, own)).status, 404);
});

test.serial('only the fixed sizes of a photo are stored, only as images, only up to the limit', async (t) => {
  await using bench = await openBench();
  const names = ['999.jpg', '480.png', '480.jpg.exe', '..%2f480.jpg', '480'];
  for (const name of names) t.is((await put(bench, keyOf(bench.edge, newId(), name), jpeg)).status, 404, name);
  for (const mediaId of ['..', 'x', '%2e%2e'])
    t.true((await put(bench, keyOf(bench.edge, mediaId, '480.jpg'), jpeg)).status >= 400, mediaId);
  const html = Buffer.from('<script>alert(1)</script>');
  t.is((await put(bench, keyOf(bench.edge, newId(), '480.jpg'), html)).code, 'MEDIA_NOT_IMAGE');
  t.is((await put(bench, keyOf(bench.edge, newId(), '480.webp'), jpeg)).code, 'MEDIA_NOT_IMAGE');
  const big = Buffer.concat([jpeg, Buffer.alloc(limits.mediaDerivedMaxBytes)]);
  t.is((await put(bench, keyOf(bench.edge, newId(), '480.jpg'), big)).code, 'BODY_TOO_LARGE');
});

test.serial('a node removes its own photo, again without an error, and no other one', async (t) => {
  await using bench = await openBench();
  const [gone, kept] = [keyOf(bench.edge, newId(), '480.webp'), keyOf(bench.edge, newId(), '480.webp')];
  for (const key of [gone, kept]) await put(bench, key, webp);
  t.is((await remove(bench, gone)).status, 204);
  t.is((await head(bench, gone)).status, 404);
  t.is((await remove(bench, gone)).status, 204, 'what is gone is removed');
  t.is((await head(bench, kept)).status, 200);
  t.is((await remove(bench, keyOf(createEdge(), newId(), '480.webp'))).code, 'TENANT_MISMATCH');
  const unsigned = await send(`${bench.mirror.url}/internal/media/${kept}`, 'DELETE', {});
  t.is(unsigned.code, 'APIKEY_INVALID');
  t.is((await head(bench, kept)).status, 200);
});

test.serial(
  'forty photos at once pass; a node that goes on writing is told to wait, and may write again then',
  async (t) => {
    await using bench = await openBench();
    const key = keyOf(bench.edge, newId(), '160.webp');
    bench.mirror.clock.offsetMs = 0;
    const reserve = mirrorLimits.mediaWritesPerNodeReserveMax;
    t.true(reserve >= 40 * 6);
    let limited: Answer | null = null;
    let written = 0;
    // What the sustained rate gives back meanwhile passes too.
    for (let n = 0; n < reserve * 3 && limited === null; n += 1) {
      const answer = await put(bench, key, webp);
      if (answer.status === 429) limited = answer;
      else written += 1;
    }
    t.true(written >= reserve, `${written} writes passed`);
    t.like(limited, { status: 429, code: 'RATE_LIMITED' });
    t.is(limited?.headers['retry-after'], '1');
    t.is((await head(bench, key)).status, 200, 'asking is not writing');
    bench.mirror.clock.offsetMs = 2_000;
    t.is((await put(bench, key, webp)).status, 201);
  },
);

test.serial('a repeated request is refused as a replay', async (t) => {
  await using bench = await openBench();
  const path = `/internal/media/${keyOf(bench.edge, newId(), '160.jpg')}`;
  const headers = await bench.edge.sign({
    ...{ method: 'PUT', authority: testAuthority, path, body: jpeg },
    ...{ contentType: 'image/jpeg', tag: 'media-push/1' },
  });
  t.is((await send(bench.mirror.url + path, 'PUT', headers, jpeg)).status, 201);
  t.is((await send(bench.mirror.url + path, 'PUT', headers, jpeg)).code, 'SIG_REPLAY');
});

test.serial('a signed address ends, and any change to it opens nothing', async (t) => {
  await using bench = await openBench();
  const key = keyOf(bench.edge, newId(), '1280.jpg');
  const other = keyOf(bench.edge, newId(), '1280.jpg');
  await put(bench, key, jpeg);
  await put(bench, other, jpeg);
  const get = (address: string) => send(bench.mirror.url + address, 'GET', {});
  const address = await addressOf(key, Date.now());
  t.is((await get(address)).status, 200);
  const tampered = [
    address.replace(key, other),
    address.replace(/exp=(\d+)/, (_, exp) => `exp=${Number(exp) + 600}`),
    address.replace(/sig=(.)/, (_, first) => (first === 'A' ? 'sig=B' : 'sig=A')),
    address.replace(/&sig=.*/, ''),
    address.replace(/\?.*/, ''),
    address.replace('1280', '480'),
    await createOwnMediaUrls({ secret: 'another', now: Date.now }).sign(key),
  ];
  for (const each of tampered) t.like(await get(each), { status: 404, code: 'NOT_FOUND' }, each);
  bench.mirror.clock.offsetMs = limits.signedMediaUrlLifeS * 1000 + 1000;
  t.is((await get(address)).status, 404);
});

test.serial(
  'an address lives between half of its life and all of it, and is the same for readings close together',
  async (t) => {
    const secret = 'secret';
    const expiryOf = async (nowMs: number): Promise<number> => {
      const address = await createOwnMediaUrls({ secret, now: () => nowMs }).sign('k');
      return Number(/exp=(\d+)/.exec(address)?.[1]) * 1000 - nowMs;
    };
    const lives = await Promise.all(Array.from({ length: 1200 }, (_, s) => expiryOf(1_800_000_000_000 + s * 1000)));
    t.true(Math.min(...lives) >= (limits.signedMediaUrlLifeS / 2) * 1000);
    t.true(Math.max(...lives) <= limits.signedMediaUrlLifeS * 1000);
    const at = (nowMs: number) => createOwnMediaUrls({ secret, now: () => nowMs }).sign('k');
    t.is(await at(1_800_000_000_000), await at(1_800_000_010_000));
  },
);

test.serial(
  'with a bucket the addresses are presigned for it, short-lived and the same for readings close together',
  async (t) => {
    let nowMs = 1_800_000_000_000;
    using urls = createS3MediaUrls({
      ...{ endpoint: 'http://127.0.0.1:9000', region: 'us-east-1', bucket: 'fotos' },
      ...{ accessKeyId: 'id', secretAccessKey: 'secret', now: () => nowMs },
    });
    const first = await urls.sign('c/e/m/480.webp');
    const address = new URL(first);
    t.is(`${address.origin}${address.pathname}`, 'http://127.0.0.1:9000/fotos/c/e/m/480.webp');
    t.is(address.searchParams.get('X-Amz-Expires'), String(limits.signedMediaUrlLifeS));
    t.truthy(address.searchParams.get('X-Amz-Signature'));
    t.is(urls.origin, 'http://127.0.0.1:9000');
    nowMs += 10_000;
    t.is(await urls.sign('c/e/m/480.webp'), first);
    nowMs += limits.signedMediaUrlLifeS * 1000;
    t.not(await urls.sign('c/e/m/480.webp'), first);
  },
);
