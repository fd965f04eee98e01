import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import type { Media } from '@sgp/shared/api/orders';
import type { TrackedOrder } from '@sgp/shared/api/tracking';
import test from 'ava';
import sharp from 'sharp';
import { mirroredOrders, shopOrders } from '../support/databases.ts';
import { startShop, type TestShop, until } from '../support/shop.ts';
import { listenEvents } from '../support/sse.ts';

const hourMs = 3_600_000;
const photo = readFileSync(new URL('../../infra/start/demo/photos/bastidor.webp', import.meta.url));

async function newOrder({ shop }: TestShop) {
  const customer = await shop.createCustomer({
    name: 'Colégio Estrela do Vale',
    firstName: 'Marina',
    phone: '(47) 99812-4470',
  });
  const item = (description: string, quantity: number) => ({
    description,
    quantity,
    unit: 'un',
    unitPriceCents: 4480,
    spec: [
      { label: 'Posição', value: 'Peito esquerdo, 90 × 78 mm' },
      { label: 'Linhas', value: '1070 · 1292' },
    ],
  });
  return shop.createOrder({
    customerId: customer.customerId,
    promisedAt: Date.now() + 72 * hourMs,
    items: [item('Polo piquê', 120), item('Boné', 20)],
    paidCents: 100_00,
  });
}

const trackingApi = (linkUrl: string, mirror: string): string =>
  `${mirror}/api/tracking/${new URL(linkUrl).pathname.split('/').at(-1)}`;

test('an order goes from the intranet to the customer: status, dates, items, photo and the next change by itself', async (t) => {
  const all = await startShop(t);
  const { shop, urls, running } = all;
  let order = await newOrder(all);
  t.truthy(order.link, 'the link is born with the order, offline');
  const api = trackingApi(order.link?.url as string, urls.mirror);
  const tracked = await until(
    'the customer sees the order',
    async () => (await fetch(api)).json() as Promise<TrackedOrder>,
    (answer) => answer.status === 'received',
  );
  t.is(tracked.number, order.number);
  t.is(tracked.firstName, 'Marina');
  t.deepEqual(
    tracked.items.map(({ description, quantity }) => [description, quantity]),
    [
      ['Polo piquê', 120],
      ['Boné', 20],
    ],
  );
  t.is(Date.parse(tracked.dates.promisedAt), order.promisedAt);
  const text = JSON.stringify(tracked);
  for (const secret of ['99812', '4470', 'totalCents', '4480', 'Posição']) t.false(text.includes(secret), secret);

  using events = await listenEvents(`${api}/events`);
  const heard = events.next('order', (data: { version: number }) => data.version > tracked.version);
  order = await shop.move(order, 'aprovado');
  await heard;
  order = await shop.move(order, 'producao');
  const moved = await until(
    'the move',
    async () => (await fetch(api)).json() as Promise<TrackedOrder>,
    (answer) => answer.status === 'in_production',
  );
  t.deepEqual(
    moved.timeline.map(({ status }) => status),
    ['received', 'approved', 'in_production'],
  );

  await shop.addPhoto(order.orderId, 'bastidor.webp', photo);
  const withPhoto = await until(
    'the photo at the customer',
    async () => (await fetch(api)).json() as Promise<TrackedOrder>,
    (answer) => answer.media?.length === 1,
    30_000,
  );
  const small = await fetch(new URL(withPhoto.media[0]?.urls['480'].webp as string, urls.mirror));
  t.is(small.status, 200);
  t.is((await sharp(Buffer.from(await small.arrayBuffer())).metadata()).format, 'webp');
  const address = new URL(withPhoto.media[0]?.urls['480'].webp as string, urls.mirror);
  for (const name of address.searchParams.keys())
    address.searchParams.set(
      name,
      address.searchParams.get(name)?.replace(/.$/, (last) => (last === '0' ? '1' : '0')) ?? '',
    );
  t.true((await fetch(address)).status >= 400, 'a changed address does not open');

  const unlock = (last4: string) =>
    fetch(`${api}/unlock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ last4 }),
    });
  t.is((await unlock('0000')).status, 403);
  t.like(await (await unlock('4470')).json(), { totalCents: 140 * 4480, paidCents: 100_00 });
  t.is((await fetch(`${urls.mirror}/api/tracking/${'A'.repeat(22)}`)).status, 404);

  await until(
    'both databases agree',
    async () => [
      (await shopOrders(running.at)).map(({ version }) => version),
      (await mirroredOrders(running.at)).map(({ version }) => version),
    ],
    ([shopSide, mirrorSide]) => JSON.stringify(shopSide) === JSON.stringify(mirrorSide),
  );
});

test('a file that is no picture, a broken one and one that is far too large are refused on the order page and disturb nothing', async (t) => {
  const all = await startShop(t);
  const { shop } = all;
  const order = await newOrder(all);
  const jpeg = await sharp({ create: { width: 1200, height: 900, channels: 3, background: '#0b6360' } })
    .jpeg()
    .toBuffer();
  const files: [string, Buffer, string][] = [
    ['nota.pdf', Buffer.from('%PDF-1.4 not a picture at all, whatever its name says'), 'MEDIA_NOT_IMAGE'],
    ['cortada.jpg', jpeg.subarray(0, jpeg.length / 3), 'MEDIA_CORRUPT'],
    ['gigante.png', hugePngHeader(20_000, 10_000), 'MEDIA_TOO_MANY_PIXELS'],
    [
      'bomba.png',
      await sharp({
        create: { width: 11_000, height: 11_000, channels: 3, background: '#000' },
        limitInputPixels: false,
      })
        .png({ compressionLevel: 9 })
        .toBuffer(),
      'MEDIA_TOO_MANY_PIXELS',
    ],
  ];
  for (const [name, bytes, code] of files) {
    const mediaId = await shop.addPhoto(order.orderId, name, bytes);
    const refused = await until(
      name,
      async () => (await shop.order(order.orderId)).media.find((each: Media) => each.mediaId === mediaId),
      (media) => media?.state === 'refused',
    );
    t.is(refused?.error?.code, code as never, name);
  }
  const good = await shop.addPhoto(order.orderId, 'boa.jpg', jpeg);
  await until(
    'the good photo',
    async () => (await shop.order(order.orderId)).media.find((each) => each.mediaId === good),
    (media) => media?.state === 'published',
    30_000,
  );
  t.pass();
});

/** A PNG whose header says 200 megapixels and whose data ends at once: it must be refused before anything is decoded. */
function hugePngHeader(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const typed = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(typed), 4);
    return Buffer.concat([frame.subarray(0, 4), typed, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(64))), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}
