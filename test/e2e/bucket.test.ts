import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrackedOrder } from '@sgp/shared/api/tracking';
import test from 'ava';
import { startS3Server } from '../support/s3-server.ts';
import { startShop, tempDir, until } from '../support/shop.ts';

const photo = readFileSync(new URL('../../infra/start/demo/photos/peito.webp', import.meta.url));

test('with a strict bucket that is down at first: the photo waits, then the customer opens it by a signed address that needs nothing else', async (t) => {
  const s3 = await startS3Server({ profile: 'strict' });
  t.teardown(() => s3[Symbol.asyncDispose]());
  s3.setDown('refusing');
  const secretFile = join(tempDir(t), 's3-secret');
  writeFileSync(secretFile, s3.credentials.secretAccessKey, { mode: 0o600 });
  const bucket = {
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: s3.endpoint,
    S3_REGION: s3.region,
    S3_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    S3_SECRET_ACCESS_KEY_FILE: secretFile,
  };
  const { shop, urls } = await startShop(t, { extraEnv: { 'media-sync': bucket, 'vps-mirror': bucket } });
  const { customerId } = await shop.createCustomer({ name: 'Henrique' });
  const order = await shop.createOrder({
    customerId,
    promisedAt: Date.now() + 86_400_000,
    items: [{ description: 'Boné', quantity: 200, unit: 'un', unitPriceCents: 2790, spec: [] }],
  });
  const mediaId = await shop.addPhoto(order.orderId, 'peito.webp', photo);
  const state = async () => (await shop.order(order.orderId)).media.find((each) => each.mediaId === mediaId)?.state;
  await until('thumbnails stand in the shop', state, (value) => value === 'derived');
  t.is(s3.objects.size, 0);

  s3.setDown(null);
  await until('the photo is in the bucket', state, (value) => value === 'published', 60_000);
  t.is(s3.objects.size, 6, 'three sizes, each as WebP and JPEG');
  const api = `${urls.mirror}/api/tracking/${new URL(order.link?.url as string).pathname.split('/').at(-1)}`;
  const tracked = await until(
    'the customer sees it',
    async () => (await fetch(api)).json() as Promise<TrackedOrder>,
    (answer) => answer.media?.length === 1,
  );
  const address = new URL(tracked.media[0]?.urls['480'].webp as string, urls.mirror);
  t.is(address.host, new URL(s3.endpoint).host, 'straight from the bucket');
  t.is((await fetch(address)).headers.get('content-type'), 'image/webp');
  address.searchParams.set('X-Amz-Expires', '86400');
  t.is((await fetch(address)).status, 403, 'nobody can make it last longer');
});
