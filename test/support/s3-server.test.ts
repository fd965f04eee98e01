import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import test from 'ava';
import { type S3Server, startS3Server } from './s3-server.ts';

const clientOf = ({ endpoint, region, credentials }: S3Server): S3Client =>
  new S3Client({ endpoint, region, credentials: { ...credentials }, forcePathStyle: true, maxAttempts: 1 });

test('a presigned address reads its object without credentials, until it expires, and no other', async (t) => {
  await using server = await startS3Server({ profile: 'modern' });
  const client = clientOf(server);
  t.teardown(() => client.destroy());
  const Bucket = server.bucket;
  for (const Key of ['a/one.jpg', 'a/two.jpg']) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const get = new GetObjectCommand({ Bucket, Key: 'a/one.jpg' });
  const url = await getSignedUrl(client, get, { expiresIn: 60 });
  t.is(await (await fetch(url)).text(), 'a/one.jpg');
  t.is((await fetch(url.replace('one.jpg', 'two.jpg'))).status, 403);
  t.is((await fetch(`${server.endpoint}/${Bucket}/a/one.jpg`)).status, 403);
  const old = await getSignedUrl(client, get, { expiresIn: 1, signingDate: new Date(Date.now() - 60_000) });
  t.is((await fetch(old)).status, 403);
});

test('the modern profile takes aws-chunked bodies with a checksum trailer, and keeps what was meant', async (t) => {
  await using server = await startS3Server({ profile: 'modern' });
  const client = clientOf(server);
  t.teardown(() => client.destroy());
  const bytes = Buffer.alloc(300_000, 'pixels');
  const Body = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);
  const put = { Bucket: server.bucket, Key: 'stream', Body, ContentLength: bytes.length, IfNoneMatch: '*' };
  await client.send(new PutObjectCommand(put));
  t.true(server.objects.get('stream')?.body.equals(bytes));
  const again = client.send(new PutObjectCommand({ ...put, Body: bytes }));
  t.like(await t.throwsAsync(again), { name: 'PreconditionFailed' });
});

test('a forgotten object is gone without a word, and every request is on the list', async (t) => {
  await using server = await startS3Server({ profile: 'modern' });
  const client = clientOf(server);
  t.teardown(() => client.destroy());
  const Bucket = server.bucket;
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
  server.forget('k');
  t.like(await t.throwsAsync(client.send(new GetObjectCommand({ Bucket, Key: 'k' }))), { name: 'NoSuchKey' });
  t.deepEqual(
    server.requests.map(({ method, key, status }) => [method, key, status]),
    [
      ['PUT', 'k', 200],
      ['GET', 'k', 404],
    ],
  );
});
