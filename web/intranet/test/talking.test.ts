import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createApi, withQuery } from '../src/api.ts';
import { ApiError } from '../src/api-error.ts';
import { createContact } from '../src/contact.ts';
import { createHttp, type HttpDeps } from '../src/http.ts';
import { newId } from '../src/lib/new-id.ts';
import { addCustomer } from '../src/logic/conflict.ts';
import { createResources } from '../src/resources.ts';
import { createUploads } from '../src/uploads.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** A real server on a free port, and the app's own way of talking to it. */
async function talk(t: ExecutionContext, handler: Handler, deps: Partial<HttpDeps> = {}) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  t.teardown(close);
  const heard: (number | null)[] = [];
  let silences = 0;
  const http = createHttp({
    fetch: (path, init) => fetch(base + path, init),
    onAnswer: (time) => heard.push(time),
    onSilence: () => silences++,
    onSessionEnded: () => undefined,
    ...deps,
  });
  return { http, api: createApi(http), heard, silences: () => silences, close };
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

test('a refusal keeps its code, its details and when to try again', async (t) => {
  const { api } = await talk(t, (_, response) => {
    response.setHeader('retry-after', '60');
    json(response, 429, { code: 'RATE_LIMITED', detail: 'too many', details: { left: 0 }, requestId: 'r1' });
  });
  const error = await t.throwsAsync(api.signIn('rosana', 'x'), { instanceOf: ApiError });
  t.like(error, { code: 'RATE_LIMITED', details: { left: 0 }, requestId: 'r1', retryAfterS: 60 });
});

test('an answer without a code of ours still has a meaning', async (t) => {
  const { api } = await talk(t, (_, response) => void response.writeHead(502).end('<html>bad gateway'));
  t.is((await t.throwsAsync<ApiError>(api.today()))?.code, 'UNAVAILABLE');
});

test('silence is told apart from a refusal, and is noticed', async (t) => {
  const { api, close, silences } = await talk(t, (_, response) => json(response, 200, {}));
  close();
  t.is((await t.throwsAsync<ApiError>(api.today()))?.code, 'SERVER_AWAY');
  t.is(silences(), 1);
});

test('a customer whose answer was lost is one customer, and a correction typed since is not lost', async (t) => {
  const stored = new Map<string, Record<string, unknown>>();
  const { api } = await talk(t, (request, response, body) => {
    const { customerId, ...content } = JSON.parse(body.toString()) as Record<string, string>;
    if (request.method === 'PATCH') {
      const id = String(request.url).split('/').at(-1) as string;
      stored.set(id, { ...stored.get(id), ...content });
      json(response, 200, { customerId: id, ...stored.get(id) });
      return;
    }
    const id = String(customerId);
    const current = stored.get(id);
    if (current) {
      json(response, 409, { code: 'ALREADY_EXISTS', details: { current } });
      return;
    }
    stored.set(id, content);
    response.destroy(); // the answer is lost
  });
  const id = newId();
  const first = await t.throwsAsync<ApiError>(addCustomer(api, id, { name: 'Mria' }));
  t.is(first?.code, 'SERVER_AWAY');
  t.like(await addCustomer(api, id, { name: 'Maria' }), { customerId: id, name: 'Maria' });
  t.deepEqual([...stored], [[id, { name: 'Maria' }]]);
});

test('an ended session is noticed once and for all calls', async (t) => {
  let ended = 0;
  const { api } = await talk(t, (_, response) => json(response, 401, { code: 'SESSION_EXPIRED' }), {
    onSessionEnded: () => ended++,
  });
  await t.throwsAsync(api.today());
  t.is(ended, 1);
});

test('the contact is away after silence, here after any answer, and follows the server’s clock', (t) => {
  const contact = createContact(() => 1_000_000);
  contact.silent();
  t.is(contact.state.value, 'away');
  contact.heard(1_600_000);
  t.is(contact.state.value, 'here');
  t.is(contact.skewMs.value, 600_000);
  contact.heard(1_601_000);
  t.is(contact.skewMs.value, 600_000);
});

test('addresses leave out what is empty', (t) => {
  t.is(withQuery('/api/orders', { q: '', late: '1', limit: 50, status: undefined }), '/api/orders?late=1&limit=50');
  t.is(withQuery('/api/orders', {}), '/api/orders');
});

test('ids are version 7, sorted by time and never alike', (t) => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const ids = Array.from({ length: 100 }, (_, index) => newId(1_790_000_000_000 + index));
  for (const id of ids) t.regex(id, pattern);
  t.deepEqual([...ids].sort(), ids);
  t.is(new Set(Array.from({ length: 1000 }, () => newId(5))).size, 1000);
});

test('a slower answer to an earlier question never overwrites a newer one', async (t) => {
  const answers: ((value: string) => void)[] = [];
  const resources = createResources({ listen: () => () => true, onReconnect: () => () => true });
  const resource = resources.get('orders', () => new Promise<string>((resolve) => answers.push(resolve)));
  const slow = resource.refresh();
  const fast = resource.refresh();
  answers[1]?.('new');
  await fast;
  answers[0]?.('old');
  await slow;
  t.is(resource.data.value, 'new');
});

test('news fetch what is watched again, once for a burst; an error keeps the old data', async (t) => {
  let tell: (name: 'order.changed', data: never) => void = () => undefined;
  let calls = 0;
  const again = Promise.withResolvers<void>();
  const resources = createResources({
    listen: (listener) => {
      tell = listener as typeof tell;
      return () => undefined;
    },
    onReconnect: () => () => undefined,
  });
  const resource = resources.get(
    'board',
    async () => {
      calls++;
      if (calls === 2) {
        again.resolve();
        throw new ApiError('UNAVAILABLE', 'later');
      }
      return 'cards';
    },
    (name) => name === 'order.changed',
  );
  const release = resources.watch('board');
  for (let index = 0; index < 5; index++) tell('order.changed', undefined as never);
  await again.promise;
  await Promise.resolve();
  t.is(calls, 2);
  t.is(resource.data.value, 'cards');
  release();
});

test('an upload goes on from the server’s own count after a lost answer and stores every byte once', async (t) => {
  const size = 2_500_000;
  const file = new File([new Uint8Array(size).map((_, index) => index % 251)], 'foto.jpg', { type: 'image/jpeg' });
  const stored: Buffer[] = [];
  const received = () => stored.reduce((sum, part) => sum + part.length, 0);
  let chunks = 0;
  const { api } = await talk(t, (request, response, body) => {
    const media = () => ({ receivedBytes: received(), sizeBytes: size, state: 'uploading' });
    if (request.method === 'POST') return void json(response, 201, media());
    const offset = Number(request.headers['upload-offset']);
    if (offset !== received())
      return void json(response, 409, { code: 'UPLOAD_OFFSET_MISMATCH', details: { offset: received() } });
    stored.push(body);
    // The second chunk arrives and its answer says something else: the next one is refused with the true count.
    if (++chunks === 2) return void json(response, 200, { ...media(), receivedBytes: offset + 1 });
    json(response, 200, media());
  });
  const done = Promise.withResolvers<void>();
  const uploads = createUploads({ api, clock: Date.now, resources: { refresh: async () => done.resolve() } });
  uploads.add('order', [file]);
  t.is(uploads.list.value[0]?.sentBytes, 0, 'the photo is on the screen before any byte has left');
  await done.promise;
  t.true(Buffer.concat(stored).equals(Buffer.from(await file.arrayBuffer())));
});

test('an upload that another tab left unfinished is taken up by its own id', async (t) => {
  const started = Promise.withResolvers<string>();
  const { api } = await talk(t, (_, response, body) => {
    started.resolve(JSON.parse(body.toString()).mediaId);
    json(response, 422, { code: 'MEDIA_NOT_IMAGE' });
  });
  const uploads = createUploads({ api, clock: Date.now, resources: { refresh: async () => undefined } });
  uploads.add('order', [new File(['abc'], 'foto.jpg')], [{ mediaId: 'known', fileName: 'foto.jpg', sizeBytes: 3 }]);
  t.is(await started.promise, 'known');
});

test('a file over the limit is refused here, by name, without being sent', (t) => {
  const never = () => Promise.reject(new Error('not to be called'));
  const uploads = createUploads({
    api: { startMedia: never, sendMediaChunk: never, media: never },
    clock: Date.now,
    resources: { refresh: async () => undefined },
  });
  uploads.add('order', [new File([new Uint8Array(41 * 1024 * 1024)], 'enorme.tif')]);
  t.like(uploads.list.value[0], { fileName: 'enorme.tif', state: 'failed', error: { code: 'MEDIA_TOO_LARGE' } });
});
