import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mediaPresets } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { thumbHashToAverageRGBA } from 'thumbhash';
import { createDerivePhoto, type DeriveOutcome } from '../src/derive/derive-photo.ts';
import { openMediaFiles } from '../src/derive/derived-files.ts';
import { setUpSharp } from '../src/derive/make-presets.ts';
import { createPixelBudget } from '../src/derive/pixel-budget.ts';
import { derivedNames } from '../src/photos/photo.ts';
import { photoJpeg, photoPixels, pngHeaderOf, turnedJpeg } from './support/pictures.ts';

setUpSharp();

/** Derives one file in a fresh folder. */
async function derive(
  t: ExecutionContext,
  bytes: Buffer,
): Promise<DeriveOutcome & { read(name: string): Promise<Buffer> }> {
  const mediaDir = await mkdtemp(join(tmpdir(), 'sgp-derive-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  await mkdir(join(mediaDir, 'originals'));
  await writeFile(join(mediaDir, 'originals', 'one'), bytes);
  const derivePhoto = createDerivePhoto({
    files: openMediaFiles(mediaDir),
    budget: createPixelBudget(limits.mediaPixelsMax, 2),
    timeZone: 'America/Sao_Paulo',
  });
  const result = await derivePhoto({ mediaId: 'photo', file: 'one' });
  return { ...result, read: (name) => readFile(join(mediaDir, 'derived', 'photo', name)) };
}

const refusal = (code: string) => ({ outcome: 'refused', refused: { code } });
const rawOf = async (bytes: Buffer): Promise<{ data: Buffer; width: number; height: number; channels: number }> => {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return { data, ...info };
};

test('each preset fits into its square, in WebP and JPEG, with the sizes of its bytes on record', async (t) => {
  const result = await derive(t, await photoJpeg({ width: 2000, height: 1500 }));
  t.like(result, { outcome: 'derived', derived: { width: 2000, height: 1500 } });
  for (const preset of mediaPresets)
    for (const [extension, format] of [
      ['webp', 'webp'],
      ['jpg', 'jpeg'],
    ] as const) {
      const name = `${preset}.${extension}` as const;
      const bytes = await result.read(name);
      t.like(await sharp(bytes).metadata(), { format, width: preset, height: preset * 0.75 });
      t.is(result.outcome === 'derived' ? result.derived.sizes[name] : 0, bytes.length);
      t.true(bytes.length < limits.mediaDerivedMaxBytes);
    }
});

test('GPS and every other metadata of the camera go in and do not come out', async (t) => {
  const original = await photoJpeg({ width: 640, height: 480 });
  const before = await sharp(original).metadata();
  t.true((before.exif?.length ?? 0) > 100);
  t.true(original.includes('Of the shop'));
  const result = await derive(t, original);
  for (const name of derivedNames) {
    const bytes = await result.read(name);
    const { exif, icc, iptc, xmp, orientation } = await sharp(bytes).metadata();
    t.deepEqual(
      { exif, icc, iptc, xmp, orientation },
      { exif: undefined, icc: undefined, iptc: undefined, xmp: undefined, orientation: undefined },
      name,
    );
    t.false(bytes.includes('Of the shop'));
  }
  t.like(result, { derived: { takenAt: Date.parse('2026-03-04T08:06:07Z') } });
});

test('a photo that was taken with the phone turned stands upright', async (t) => {
  const result = await derive(t, await turnedJpeg(800, 600));
  t.like(result, { outcome: 'derived', derived: { width: 600, height: 800 } });
  const { data, width, height, channels } = await rawOf(await result.read('480.jpg'));
  t.deepEqual([width, height], [360, 480]);
  const red = (x: number): number => data[(height / 2) * width * channels + x * channels] ?? 0;
  t.true(red(width - 20) > 180, 'the stored top is the right side of the upright picture');
  t.true(red(20) < 60);
});

test('a small picture is never enlarged', async (t) => {
  const result = await derive(t, await photoJpeg({ width: 200, height: 100 }));
  t.like(await sharp(await result.read('1280.webp')).metadata(), { width: 200, height: 100 });
  t.like(await sharp(await result.read('480.jpg')).metadata(), { width: 200, height: 100 });
  t.like(await sharp(await result.read('160.jpg')).metadata(), { width: 160, height: 80 });
});

test('transparent becomes white, grey becomes sRGB, CMYK becomes sRGB', async (t) => {
  const clear = await sharp({ create: { width: 50, height: 40, channels: 4, background: '#00000000' } })
    .png()
    .toBuffer();
  const white = await rawOf(await (await derive(t, clear)).read('160.jpg'));
  t.true(white.data.every((value) => value > 250));

  const grey = await sharp(photoPixels({ width: 90, height: 60 }), { raw: { width: 90, height: 60, channels: 3 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  t.is((await sharp(await (await derive(t, grey)).read('160.webp')).metadata()).space, 'srgb');

  const cmyk = await sharp({ create: { width: 60, height: 60, channels: 3, background: '#d02020' } })
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
  t.is((await sharp(cmyk).metadata()).space, 'cmyk');
  const red = await rawOf(await (await derive(t, cmyk)).read('160.jpg'));
  t.is(red.channels, 3);
  t.true((red.data[0] ?? 0) > 150 && (red.data[1] ?? 255) < 110, 'still red');
});

test('colours of a wide-gamut profile are converted, not merely relabelled', async (t) => {
  const p3 = await sharp({ create: { width: 60, height: 60, channels: 3, background: '#c86432' } })
    .withIccProfile('p3')
    .png()
    .toBuffer();
  t.true((await sharp(p3).metadata()).hasProfile);
  const { data } = await rawOf(await (await derive(t, p3)).read('160.jpg'));
  const far = Math.max(...[0xc8, 0x64, 0x32].map((value, index) => Math.abs(value - (data[index] ?? 0))));
  t.true(far <= 6, `the colour is off by ${far}`);
});

test('the thumbhash holds the colour of the picture', async (t) => {
  const blue = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#2040c0' } })
    .jpeg()
    .toBuffer();
  const result = await derive(t, blue);
  if (result.outcome !== 'derived') return t.fail(result.outcome);
  const colour = thumbHashToAverageRGBA(Buffer.from(result.derived.thumbhash, 'base64'));
  t.true(colour.b > 0.6 && colour.r < 0.3 && result.derived.thumbhash.length <= 64);
});

test('PNG, WebP, GIF and AVIF are read', async (t) => {
  const picture = sharp(photoPixels({ width: 320, height: 200 }), { raw: { width: 320, height: 200, channels: 3 } });
  for (const bytes of [
    await picture.clone().png().toBuffer(),
    await picture.clone().webp().toBuffer(),
    await picture.clone().gif().toBuffer(),
    await picture.clone().avif({ effort: 0 }).toBuffer(),
  ])
    t.like(await derive(t, bytes), { outcome: 'derived', derived: { width: 320, height: 200 } });
});

test('a JPEG that ends too early is refused as MEDIA_CORRUPT, wherever it ends', async (t) => {
  const whole = await photoJpeg({ width: 1200, height: 900 });
  const progressive = await photoJpeg({ width: 1200, height: 900, progressive: true });
  for (const bytes of [whole, progressive])
    for (const part of [0.999, 0.9, 0.5, 0.1])
      t.like(
        await derive(t, bytes.subarray(0, Math.floor(bytes.length * part))),
        refusal('MEDIA_CORRUPT'),
        String(part),
      );
});

test('other truncated and damaged images are refused as MEDIA_CORRUPT', async (t) => {
  const picture = sharp(photoPixels({ width: 600, height: 400 }), { raw: { width: 600, height: 400, channels: 3 } });
  const png = await picture.clone().png().toBuffer();
  const webp = await picture.clone().webp().toBuffer();
  const flipped = Buffer.from(png);
  flipped.fill(0x55, png.length >> 1, (png.length >> 1) + 400);
  for (const bytes of [
    png.subarray(0, png.length / 2),
    webp.subarray(0, webp.length / 2),
    flipped,
    png.subarray(0, 20),
  ])
    t.like(await derive(t, bytes), refusal('MEDIA_CORRUPT'));
});

test('what is not an image is refused as MEDIA_NOT_IMAGE, whatever it is called', async (t) => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd"/></svg>';
  const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic'), Buffer.alloc(32)]);
  for (const bytes of [
    Buffer.from('hello'),
    Buffer.from(svg),
    Buffer.from('%PDF-1.7\n'),
    Buffer.alloc(0),
    Buffer.alloc(5000),
    heic,
  ])
    t.like(await derive(t, bytes), refusal('MEDIA_NOT_IMAGE'));
  t.like(await derive(t, heic), {
    refused: { detail: 'The file is a HEIC image, which SGP does not read: send it as JPEG.' },
  });
});

test('a header of 200 megapixels is refused as MEDIA_TOO_MANY_PIXELS before anything is decoded', async (t) => {
  t.like(await derive(t, pngHeaderOf(20_000, 10_000)), refusal('MEDIA_TOO_MANY_PIXELS'));
  t.like(await derive(t, pngHeaderOf(10_000, 10_001)), refusal('MEDIA_TOO_MANY_PIXELS'));
  t.like(
    await derive(t, pngHeaderOf(10_000, 10_000)),
    refusal('MEDIA_CORRUPT'),
    'the limit itself is let through to the decoder',
  );
});

test('a file over the byte limit is refused as MEDIA_TOO_LARGE without being read', async (t) => {
  const bytes = Buffer.alloc(limits.mediaFileMaxBytes + 1);
  bytes.set([0xff, 0xd8, 0xff]);
  t.like(await derive(t, bytes), refusal('MEDIA_TOO_LARGE'));
});

test('deriving twice leaves the same files, and nothing of a writing that died', async (t) => {
  const mediaDir = await mkdtemp(join(tmpdir(), 'sgp-derive-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  const files = openMediaFiles(mediaDir);
  const made = new Map(derivedNames.map((name) => [name, Buffer.from(`content of ${name}`)]));
  await files.writeDerived('photo', made);
  await writeFile(join(mediaDir, 'derived', 'photo', '.480.jpg.half'), 'half');
  const sizes = await files.writeDerived('photo', made);
  t.deepEqual((await readdir(join(mediaDir, 'derived', 'photo'))).sort(), [...derivedNames].sort());
  t.is((await files.readDerived('photo', '480.jpg', sizes['480.jpg']))?.toString(), 'content of 480.jpg');
  t.is(await files.readDerived('photo', '480.jpg', sizes['480.jpg'] + 1), null);
  t.is(await files.readDerived('other', '480.jpg', 1), null);
});

test('pictures share the pixel budget, and a huge one waits its turn and then has it alone', async (t) => {
  const budget = createPixelBudget(100, 2);
  const started: string[] = [];
  const open = new Map<string, () => void>();
  const spend = (name: string, pixels: number): Promise<void> =>
    budget.spend(pixels, () => {
      started.push(name);
      return new Promise((done) => open.set(name, done));
    });
  const first = spend('a', 60);
  const second = spend('b', 40);
  const huge = spend('huge', 500);
  const last = spend('c', 1);
  await Promise.resolve();
  await Promise.resolve();
  t.deepEqual(started, ['a', 'b'], 'c does not pass the huge one');
  open.get('a')?.();
  open.get('b')?.();
  await Promise.all([first, second]);
  t.deepEqual(started, ['a', 'b', 'huge']);
  open.get('huge')?.();
  await huge;
  t.deepEqual(started, ['a', 'b', 'huge', 'c']);
  open.get('c')?.();
  await t.notThrowsAsync(last);
});
