import { Readable } from 'node:stream';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import test from 'ava';
import { startS3Server } from '../../../test/support/s3-server.ts';
import { openS3Store } from '../src/storage/s3-store.ts';
import { s3SettingsOf } from './support/running-app.ts';

const object = { key: 'company/shop/photo/160.jpg', body: Buffer.alloc(200_000, 7), contentType: 'image/jpeg' };

for (const profile of ['strict', 'modern'] as const)
  test(`${profile}: what was put is there, byte for byte, and HEAD tells its size`, async (t) => {
    await using server = await startS3Server({ profile });
    using store = openS3Store(s3SettingsOf(server));
    t.deepEqual(await store.put(object), { outcome: 'stored' });
    t.deepEqual(await store.head(object.key), { outcome: 'known', sizeBytes: 200_000 });
    t.deepEqual(await store.head('company/shop/photo/480.jpg'), { outcome: 'known', sizeBytes: null });
    t.true(server.objects.get(object.key)?.body.equals(object.body));
    t.is(server.objects.get(object.key)?.contentType, 'image/jpeg');
    t.deepEqual(await store.put(object), { outcome: 'stored' }, 'putting twice leaves one');
    t.is(server.objects.size, 1);
  });

test('the largest preset that can be goes through a strict store in one piece', async (t) => {
  await using server = await startS3Server({ profile: 'strict' });
  using store = openS3Store(s3SettingsOf(server));
  t.deepEqual(await store.put({ ...object, body: Buffer.alloc(4 * 1024 * 1024, 1) }), { outcome: 'stored' });
});

test('the strict profile refuses what the SDK sends by default for streams, so that it proves something', async (t) => {
  await using server = await startS3Server({ profile: 'strict' });
  const { endpoint, region, bucket, credentials } = server;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { ...credentials },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  t.teardown(() => client.destroy());
  const stream = Readable.from([object.body]);
  const put = new PutObjectCommand({ Bucket: bucket, Key: 'stream', Body: stream, ContentLength: object.body.length });
  t.like(await t.throwsAsync(client.send(put)), { name: 'NotImplemented' });
  const conditional = new PutObjectCommand({ Bucket: bucket, Key: 'once', Body: object.body, IfNoneMatch: '*' });
  t.like(await t.throwsAsync(client.send(conditional)), { name: 'NotImplemented' });
});

test('a store that cuts connections, answers 503, or knows another secret is unavailable; nothing is thrown', async (t) => {
  await using server = await startS3Server();
  const settings = s3SettingsOf(server);
  using store = openS3Store(settings);
  using wrong = openS3Store({ ...settings, secretAccessKey: 'another' });
  using lost = openS3Store({ ...settings, bucket: 'no-such-bucket' });
  t.like(await wrong.put(object), { outcome: 'unavailable', reason: '403 SignatureDoesNotMatch' });
  t.like(await lost.put(object), { outcome: 'unavailable', reason: '404 NoSuchBucket' });
  server.setDown('failing');
  t.like(await store.put(object), { outcome: 'unavailable', reason: '503 ServiceUnavailable' });
  t.like(await store.head(object.key), { outcome: 'unavailable' });
  server.setDown('refusing');
  t.like(await store.put(object), { outcome: 'unavailable' });
  t.like(await store.head(object.key), { outcome: 'unavailable' });
  server.setDown(null);
  t.deepEqual(await store.put(object), { outcome: 'stored' });
});

test('an object that the store does not want is rejected, which is no outage', async (t) => {
  await using server = await startS3Server();
  using store = openS3Store(s3SettingsOf(server));
  const body = Buffer.alloc(17 * 1024 * 1024);
  t.like(await store.put({ ...object, body }), { outcome: 'rejected', reason: '400 EntityTooLarge' });
});
