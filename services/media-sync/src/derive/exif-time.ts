/** When a photo was taken, from its EXIF block (CIPA DC-008, TIFF 6.0 structure). Nothing else is read from it. */

const tagDateTime = 0x0132;
const tagExifIfd = 0x8769;
const tagDateTimeOriginal = 0x9003;
const tagOffsetTimeOriginal = 0x9011;
const typeAscii = 2;
/** Cameras whose clock was never set say 1970, 1980 or the first of January 2000. */
const saneAfterMs = Date.UTC(2001, 0, 1);
const futureMaxMs = 24 * 60 * 60 * 1000;
const entriesMax = 512;

/**
 * @param exif the block as sharp gives it, with or without its `Exif\0\0` prefix
 * @param timeZone IANA zone of the shop, for cameras that give no offset
 * @returns milliseconds since 1970, or null when the block has no time that can be true
 */
export function exifTakenAt(exif: Uint8Array | undefined, timeZone: string, nowMs: number): number | null {
  if (!exif) return null;
  try {
    const at = readTime(new DataView(exif.buffer, exif.byteOffset, exif.byteLength), timeZone);
    return at !== null && at > saneAfterMs && at <= nowMs + futureMaxMs ? at : null;
  } catch {
    // The block is what a camera or an editor wrote: broken offsets in it say nothing about the picture.
    return null;
  }
}

function readTime(view: DataView, timeZone: string): number | null {
  const start = view.byteLength > 6 && view.getUint32(0) === 0x45786966 ? 6 : 0;
  const tiff = new DataView(view.buffer, view.byteOffset + start, view.byteLength - start);
  const little = tiff.getUint16(0) === 0x4949;
  const main = readDirectory(tiff, tiff.getUint32(4, little), little);
  const exifAt = main.get(tagExifIfd);
  const exif = exifAt === undefined ? undefined : readDirectory(tiff, tiff.getUint32(exifAt + 8, little), little);
  const text = asciiAt(tiff, exif?.get(tagDateTimeOriginal), little) ?? asciiAt(tiff, main.get(tagDateTime), little);
  const parts = /^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text ?? '');
  if (!parts) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const offset = /^([+-])(\d\d):(\d\d)/.exec(asciiAt(tiff, exif?.get(tagOffsetTimeOriginal), little) ?? '');
  if (!offset) return wallToInstant(wall, timeZone);
  const minutes = Number(offset[2]) * 60 + Number(offset[3]);
  return wall - (offset[1] === '-' ? -minutes : minutes) * 60_000;
}

/** Offsets of a directory's entries by tag. An entry is tag, type, count, value: 12 bytes. */
function readDirectory(tiff: DataView, at: number, little: boolean): ReadonlyMap<number, number> {
  const count = Math.min(tiff.getUint16(at, little), entriesMax);
  const entries = new Map<number, number>();
  for (let index = 0; index < count; index++) {
    const entry = at + 2 + index * 12;
    entries.set(tiff.getUint16(entry, little), entry);
  }
  return entries;
}

function asciiAt(tiff: DataView, entry: number | undefined, little: boolean): string | null {
  if (entry === undefined || tiff.getUint16(entry + 2, little) !== typeAscii) return null;
  const length = Math.min(tiff.getUint32(entry + 4, little), 64);
  const from = length <= 4 ? entry + 8 : tiff.getUint32(entry + 8, little);
  let text = '';
  for (let index = 0; index < length; index++) text += String.fromCharCode(tiff.getUint8(from + index));
  return text;
}

/** The instant at which clocks of the zone show this wall time (given as if it were UTC). */
function wallToInstant(wallMs: number, timeZone: string): number {
  // Twice: the first guess may lie on the other side of a change of the clocks.
  const guess = wallMs - zoneOffsetMs(wallMs, timeZone);
  return wallMs - zoneOffsetMs(guess, timeZone);
}

function zoneOffsetMs(atMs: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(atMs);
  const value = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value);
  const shown = Date.UTC(
    value('year'),
    value('month') - 1,
    value('day'),
    value('hour'),
    value('minute'),
    value('second'),
  );
  return shown - Math.floor(atMs / 1000) * 1000;
}
