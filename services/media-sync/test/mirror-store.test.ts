import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequestSigner, type PrivateJwk, verifyRequest } from '@sgp/auth/http-signature';
import type { PublicJwk } from '@sgp/shared/api/licensing';
import { type AppError, httpStatusByCode } from '@sgp/shared/errors';
import test, { type ExecutionContext } from 'ava';
import { openMirrorStore } from '../src/storage/mirror-store.ts';
import type { ObjectStore } from '../src/storage/object-store.ts';

const authority = 'mirror.test:7001';
const object = { key: 'company/shop/photo/160.jpg', body: Buffer.alloc(30_000, 9), contentType: 'image/jpeg' };

type Mirror = {
  readonly store: ObjectStore;
  readonly objects: Map<string, Buffer>;
  readonly idempotencyKeys: string[];
  /** What the mirror's clock is ahead of ours, in milliseconds. */
  aheadMs: number;
  /** Answered instead of doing the work, while it is set. */
  status: number | null;
};

/** The mirror's address as SECURITY 3.1 describes it: a real server that verifies each signature by the real rules. */
async function openMirror(t: ExecutionContext): Promise<Mirror> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const publicJwk = publicKey.export({ format: 'jwk' }) as PublicJwk;
  const objects = new Map<string, Buffer>();
  const idempotencyKeys: string[] = [];
  const state = { aheadMs: 0, status: null as number | null };
  const answer = async (request: IncomingMessage): Promise<{ status: number; length?: number; body?: string }> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (state.status !== null) return { status: state.status };
    const path = request.url ?? '';
    const { method = '', rawHeaders } = request;
    const signed = { method, path, query: '', rawHeaders, body: Buffer.concat(chunks) };
    const nowMs = Date.now() + state.aheadMs;
    const findKey = (): PublicJwk => publicJwk;
    const verified = await verifyRequest(signed, { authority, tag: 'media-push/1', nowMs, findKey });
    idempotencyKeys.push(verified.covered['idempotency-key'] ?? '');
    const key = path.replace('/internal/media/', '');
    if (method === 'PUT') objects.set(key, signed.body);
    if (method === 'DELETE') {
      objects.delete(key);
      return { status: 204 };
    }
    const found = objects.get(key);
    return found ? { status: method === 'PUT' ? 204 : 200, length: found.length } : { status: 404 };
  };
  const server = createServer((request, response) => {
    void answer(request)
      .catch((error: AppError) => ({
        status: httpStatusByCode[error.code],
        length: undefined,
        body: JSON.stringify({ code: error.code }),
      }))
      .then(({ status, length, body }) => {
        response.setHeader('date', new Date(Date.now() + state.aheadMs).toUTCString());
        if (length !== undefined && request.method === 'HEAD') response.setHeader('content-length', length);
        if (status === 429) response.setHeader('retry-after', '3');
        response.writeHead(status).end(request.method === 'HEAD' ? undefined : body);
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const signer = createRequestSigner({
    shortId: 'abcdef012345',
    apiKey: `npk_live_abcdef012345_${'k'.repeat(43)}`,
    keyId: 'nk_test',
    privateJwk: privateKey.export({ format: 'jwk' }) as PrivateJwk,
    authority,
    tag: 'media-push/1',
  });
  const mirrorUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, { store: openMirrorStore({ signer, mirrorUrl }), objects, idempotencyKeys });
}

test('a signed DELETE removes the object, and a repeat is the same', async (t) => {
  const mirror = await openMirror(t);
  await mirror.store.put(object);
  for (let n = 0; n < 2; n += 1) t.deepEqual(await mirror.store.remove(object.key), { outcome: 'removed' });
  t.is(mirror.objects.size, 0);
  t.deepEqual(await mirror.store.head(object.key), { outcome: 'known', sizeBytes: null });
});

test('a mirror that asks to wait is heard, and is no failure of the photo', async (t) => {
  const mirror = await openMirror(t);
  mirror.status = 429;
  for (const fault of [await mirror.store.put(object), await mirror.store.remove(object.key)])
    t.like(fault, { outcome: 'unavailable', retryAfterMs: 3_000 });
});

test('a signed PUT stores the bytes, and a signed HEAD tells their size', async (t) => {
  const mirror = await openMirror(t);
  t.deepEqual(await mirror.store.head(object.key), { outcome: 'known', sizeBytes: null });
  t.deepEqual(await mirror.store.put(object), { outcome: 'stored' });
  t.true(mirror.objects.get(object.key)?.equals(object.body));
  t.deepEqual(await mirror.store.head(object.key), { outcome: 'known', sizeBytes: 30_000 });
});

test('a repeat of one upload keeps its idempotency key; other bytes get another', async (t) => {
  const mirror = await openMirror(t);
  for (const body of [object.body, object.body, Buffer.from('other')]) await mirror.store.put({ ...object, body });
  const [first, repeat, other] = mirror.idempotencyKeys;
  t.is(first, repeat);
  t.not(first, other);
});

test('a PC whose clock is an hour wrong learns the time of the mirror and is served', async (t) => {
  for (const method of ['put', 'head'] as const) {
    const mirror = await openMirror(t);
    mirror.aheadMs = 60 * 60 * 1000;
    if (method === 'head') t.deepEqual(await mirror.store.head(object.key), { outcome: 'known', sizeBytes: null });
    else t.deepEqual(await mirror.store.put(object), { outcome: 'stored' });
    mirror.aheadMs = -60 * 60 * 1000;
    t.deepEqual(await mirror.store.put(object), { outcome: 'stored' }, 'also when it is set right again');
  }
});

test('a refusal of the caller or a failure is an outage; a refusal of the object is not', async (t) => {
  const mirror = await openMirror(t);
  for (const status of [401, 403, 404, 409, 429, 500, 502, 503, 507]) {
    mirror.status = status;
    t.like(await mirror.store.put(object), { outcome: 'unavailable' }, String(status));
  }
  for (const status of [400, 413, 415, 422]) {
    mirror.status = status;
    t.like(await mirror.store.put(object), { outcome: 'rejected' }, String(status));
  }
});

test('a mirror that is not there is an outage', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const store = openMirrorStore({ signer: { sign: async () => ({}) }, mirrorUrl: `http://127.0.0.1:${port}` });
  t.deepEqual(await store.put(object), { outcome: 'unavailable', reason: 'ECONNREFUSED' });
  t.deepEqual(await store.head(object.key), { outcome: 'unavailable', reason: 'ECONNREFUSED' });
});
