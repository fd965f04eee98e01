import { open } from 'node:fs/promises';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import sharp, { type Metadata } from 'sharp';
import { exifTakenAt } from './exif-time.ts';

export type Inspected = {
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly takenAt: number | null;
  readonly hasAlpha: boolean;
  /** What decoding it will cost at most, in pixels of 8 bits: 16-bit pictures count twice. */
  readonly cost: number;
};

const signatureBytes = 16;

/**
 * Looks at the first bytes and the header alone: nothing is decoded, so a file that would not fit into memory is refused
 * for the price of a few kilobytes.
 * @param path original on the disk
 * @throws AppError MEDIA_TOO_LARGE, MEDIA_NOT_IMAGE, MEDIA_CORRUPT, MEDIA_TOO_MANY_PIXELS; errors of the file system as they are
 */
export async function inspectOriginal(path: string, timeZone: string, nowMs: number): Promise<Inspected> {
  const { sizeBytes, first } = await readStart(path);
  if (sizeBytes > limits.mediaFileMaxBytes)
    throw new AppError(
      'MEDIA_TOO_LARGE',
      `The file has ${sizeBytes} bytes; at most ${limits.mediaFileMaxBytes} are read.`,
    );
  const format = formatOf(first);
  if (format === null) throw new AppError('MEDIA_NOT_IMAGE', 'The file is not a JPEG, PNG, WebP, GIF or AVIF image.');
  if (format === 'heic')
    throw new AppError('MEDIA_NOT_IMAGE', 'The file is a HEIC image, which SGP does not read: send it as JPEG.');
  const header = await readHeader(path);
  if (header.format !== format) throw new AppError('MEDIA_CORRUPT', `The file begins as ${format} but is not one.`);
  const { width, height } = header.autoOrient;
  const pixels = width * height;
  if (pixels > limits.mediaPixelsMax)
    throw new AppError(
      'MEDIA_TOO_MANY_PIXELS',
      `The image has ${width} × ${height} pixels; at most ${limits.mediaPixelsMax / 1e6} megapixels are read.`,
    );
  const cost = header.depth === 'uchar' ? pixels : 2 * pixels;
  return { width, height, takenAt: exifTakenAt(header.exif, timeZone, nowMs), hasAlpha: header.hasAlpha, cost };
}

async function readStart(path: string): Promise<{ sizeBytes: number; first: Buffer }> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const first = Buffer.alloc(signatureBytes);
  await file.read(first, 0, signatureBytes, 0);
  return { sizeBytes: size, first };
}

async function readHeader(path: string): Promise<Metadata> {
  try {
    // The limit is ours, with an error that names the numbers; sharp's own would say less.
    return await sharp(path, { limitInputPixels: false, failOn: 'error', sequentialRead: true }).metadata();
  } catch (cause) {
    throw new AppError('MEDIA_CORRUPT', 'The header of the image cannot be read.', { cause });
  }
}

/** The format by its signature, as sharp names it; `heic` for the HEIF that needs a codec we do not have. */
function formatOf(first: Buffer): 'jpeg' | 'png' | 'gif' | 'webp' | 'heif' | 'heic' | null {
  const text = (from: number, to: number): string => first.toString('latin1', from, to);
  if (text(0, 3) === '\xff\xd8\xff') return 'jpeg';
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (text(0, 6) === 'GIF87a' || text(0, 6) === 'GIF89a') return 'gif';
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return 'webp';
  if (text(4, 8) !== 'ftyp') return null;
  if (['avif', 'avis'].includes(text(8, 12))) return 'heif';
  return ['heic', 'heix', 'heim', 'heis', 'hevc', 'mif1', 'msf1'].includes(text(8, 12)) ? 'heic' : null;
}
