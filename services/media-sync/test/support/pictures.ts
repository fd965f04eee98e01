import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** Pictures that tests and the bench make anew, the same ones at each run. */

export type PictureOptions = {
  readonly width: number;
  readonly height: number;
  /** Another seed is another picture. */
  readonly seed?: number;
};

/** Raw RGB with gradients, edges and sensor-like noise, so that it decodes and compresses about as a photo does. */
export function photoPixels({ width, height, seed = 1 }: PictureOptions): Buffer {
  const pixels = Buffer.allocUnsafe(width * height * 3);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const noise = state & 15;
      const edge = ((x >> 6) ^ (y >> 6) ^ seed) & 1 ? 40 : 0;
      pixels[at] = ((x * 180) / width + noise + edge) & 255;
      pixels[at + 1] = ((y * 180) / height + noise + edge) & 255;
      pixels[at + 2] = (((x + y) * 90) / width + noise + 20 * (seed % 5)) & 255;
    }
  }
  return pixels;
}

/** The picture of a phone: JPEG 4:2:0 with a camera's EXIF block. */
export async function photoJpeg(options: PictureOptions & { readonly progressive?: boolean }): Promise<Buffer> {
  const { width, height } = options;
  return await sharp(photoPixels(options), { raw: { width, height, channels: 3 } })
    .withExif({
      IFD0: { Make: 'Camera', Model: 'Of the shop' },
      IFD2: { DateTimeOriginal: '2026:03:04 05:06:07', OffsetTimeOriginal: '-03:00' },
      IFD3: { GPSLatitudeRef: 'S', GPSLatitude: '23/1 33/1 1/1', GPSLongitudeRef: 'W', GPSLongitude: '46/1 38/1 2/1' },
    })
    .jpeg({ quality: 85, progressive: options.progressive ?? false })
    .toBuffer();
}

/** Red above, blue below as it is stored; with its orientation 6 it is to be shown turned, red on the right. */
export async function turnedJpeg(width: number, height: number): Promise<Buffer> {
  const top = { create: { width, height: height / 2, channels: 3 as const, background: '#e00000' } };
  return await sharp({ create: { width, height, channels: 3, background: '#0000e0' } })
    .composite([{ input: top, gravity: 'north' }])
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** A file whose header alone names so many pixels. The chunk's checksum is right; almost nothing follows. */
export function pngHeaderOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(64))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A real PNG of one colour: a few hundred kilobytes that unpack to `width × height × 3` bytes. */
export async function pngBomb(width: number, height: number): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background: '#102030' }, limitInputPixels: false })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
