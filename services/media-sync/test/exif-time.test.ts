import test from 'ava';
import sharp from 'sharp';
import { exifTakenAt } from '../src/derive/exif-time.ts';

const now = Date.parse('2026-06-01T12:00:00Z');
const zone = 'America/Sao_Paulo';

const exifOf = async (ifd0: Record<string, string>, exifIfd: Record<string, string>): Promise<Buffer | undefined> => {
  const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: '#fff' } });
  const bytes = await picture.withExif({ IFD0: ifd0, IFD2: exifIfd }).jpeg().toBuffer();
  return (await sharp(bytes).metadata()).exif;
};

test('a time with an offset is that instant, whatever the zone of the shop', async (t) => {
  const exif = await exifOf({}, { DateTimeOriginal: '2026:05:06 10:11:12', OffsetTimeOriginal: '+09:00' });
  t.is(exifTakenAt(exif, zone, now), Date.parse('2026-05-06T10:11:12+09:00'));
});

test('a time without an offset is the wall clock of the shop, on both sides of a change of the clocks', async (t) => {
  const winter = await exifOf({}, { DateTimeOriginal: '2026:03:29 01:30:00' });
  const summer = await exifOf({}, { DateTimeOriginal: '2026:03:29 03:30:00' });
  t.is(
    exifTakenAt(winter, 'Europe/Lisbon', now),
    Date.parse('2026-03-29T02:30:00+01:00'),
    'skipped hour: the later one',
  );
  t.is(exifTakenAt(summer, 'Europe/Lisbon', now), Date.parse('2026-03-29T03:30:00+01:00'));
  t.is(exifTakenAt(summer, zone, now), Date.parse('2026-03-29T03:30:00-03:00'));
});

test('the time of the file is taken when the camera gave no time of the picture', async (t) => {
  const exif = await exifOf({ DateTime: '2026:01:02 03:04:05' }, {});
  t.is(exifTakenAt(exif, 'UTC', now), Date.UTC(2026, 0, 2, 3, 4, 5));
});

test('a clock that was never set, the future and nonsense give no time', async (t) => {
  for (const text of ['2000:01:01 00:00:00', '2026:06:05 00:00:00', '0000:00:00 00:00:00', 'yesterday at noon!'])
    t.is(exifTakenAt(await exifOf({}, { DateTimeOriginal: text }), 'UTC', now), null, text);
  t.is(exifTakenAt(undefined, zone, now), null);
});

test('a broken block gives no time and no error', async (t) => {
  const exif = await exifOf({}, { DateTimeOriginal: '2026:05:06 10:11:12' });
  t.truthy(exif);
  const whole = exif ?? Buffer.alloc(0);
  for (let cut = 0; cut < whole.length; cut++) t.notThrows(() => exifTakenAt(whole.subarray(0, cut), zone, now));
  for (let at = 0; at < whole.length; at++) {
    const broken = Buffer.from(whole);
    broken[at] = 0xff;
    t.notThrows(() => exifTakenAt(broken, zone, now));
  }
});
