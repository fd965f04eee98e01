import { AppError } from '@sgp/shared/errors';
import { type MediaPreset, mediaPresets } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import sharp from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';
import type { DerivedName } from '../photos/photo.ts';
import { workLimits } from '../work-limits.ts';

export type Presets = {
  readonly files: ReadonlyMap<DerivedName, Buffer>;
  /** Base64. */
  readonly thumbhash: string;
};

type Pixels = { readonly data: Buffer; readonly raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 } };

/** Visually the same as 85, at two thirds of the bytes: what a phone on 4G gets. */
const jpegQuality = 80;
/** WebP needs less for the same look; effort 2 gives files 1 % larger than effort 4 in less than half the time. */
const webp = { quality: 78, effort: 2 } as const;
/** ThumbHash takes up to 100 and keeps 7 × 7 waves: 48 gives the same placeholder for a tenth of the time. */
const thumbhashSide = 48;

/** One thread for each picture: the pictures themselves run side by side, and a kept cache would only hold memory. */
export function setUpSharp(): void {
  sharp.concurrency(1);
  sharp.cache(false);
}

/**
 * Makes the presets of one original from one decode: upright, in sRGB, on white where it was transparent, never enlarged,
 * without any metadata (so without the place where it was taken).
 * @param path an original that passed {@link import('./inspect-original.ts').inspectOriginal}
 * @throws AppError MEDIA_CORRUPT when it does not decode to its end; sharp's own error when time or memory ran out
 */
export async function makePresets(path: string, hasAlpha: boolean): Promise<Presets> {
  const [small, middle, large] = mediaPresets;
  const pixels = await decode(path, large, hasAlpha);
  const medium = shrink(pixels, middle);
  const least = medium.then((each) => shrink(each, small));
  // Each size is encoded while the next smaller one is made.
  const encoded = Promise.all([
    encode(large, pixels),
    medium.then((each) => encode(middle, each)),
    least.then((each) => encode(small, each)),
  ]);
  const [files, thumbhash] = await Promise.all([encoded, least.then(thumbhashOf)]);
  return { files: new Map(files.flat()), thumbhash };
}

async function decode(path: string, side: MediaPreset, hasAlpha: boolean): Promise<Pixels> {
  try {
    const upright = sharp(path, {
      failOn: 'error',
      limitInputPixels: limits.mediaPixelsMax,
      sequentialRead: true,
    })
      .timeout({ seconds: workLimits.deriveMaxMs / 1000 })
      .autoOrient()
      .resize(side, side, { fit: 'inside', withoutEnlargement: true });
    const opaque = hasAlpha ? upright.flatten({ background: '#fff' }) : upright;
    const { data, info } = await opaque.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    return { data, raw: { width: info.width, height: info.height, channels: info.channels } };
  } catch (cause) {
    if (isExhausted(cause)) throw cause;
    throw new AppError('MEDIA_CORRUPT', 'The image is damaged: it does not decode to its end.', { cause });
  }
}

/** Time or memory ran out: that says something about this machine as well, so it alone condemns no picture. */
export const isExhausted = (error: unknown): boolean =>
  error instanceof Error && /timeout|out of memory/i.test(error.message);

async function shrink({ data, raw }: Pixels, side: MediaPreset): Promise<Pixels> {
  const shrunk = await sharp(data, { raw })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = shrunk.info;
  return { data: shrunk.data, raw: { width, height, channels } };
}

async function encode(
  preset: MediaPreset,
  { data, raw }: Pixels,
): Promise<readonly (readonly [DerivedName, Buffer])[]> {
  const [asWebp, asJpeg] = await Promise.all([
    sharp(data, { raw }).webp(webp).toBuffer(),
    sharp(data, { raw }).jpeg({ quality: jpegQuality }).toBuffer(),
  ]);
  return [
    [`${preset}.webp`, asWebp],
    [`${preset}.jpg`, asJpeg],
  ];
}

async function thumbhashOf({ data, raw }: Pixels): Promise<string> {
  const { data: rgba, info } = await sharp(data, { raw })
    .resize(thumbhashSide, thumbhashSide, { fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return Buffer.from(rgbaToThumbHash(info.width, info.height, rgba)).toString('base64');
}
