import { once } from 'node:events';
import { connect } from 'node:net';
import { healthRoutes, localAccess, openAccess } from '@sgp/service-kit/health';
import { createHttpApp } from '@sgp/service-kit/http-app';
import { listen } from '@sgp/service-kit/http-server';
import { createLog } from '@sgp/service-kit/log';
import { createMetrics } from '@sgp/service-kit/metrics';
import { route } from '@sgp/service-kit/route';
import { requireSameOrigin } from '@sgp/service-kit/same-origin';
import { createEventHub } from '@sgp/service-kit/sse';
import { AppError } from '@sgp/shared/errors';
import test, { type ExecutionContext } from 'ava';
import * as z from 'zod';

const echo = route(
  {
    method: 'POST',
    path: '/echo/:id',
    summary: 'echo',
    tag: 't',
    access: 'open',
    body: z.strictObject({ a: z.number() }),
    answer: z.object({ a: z.number() }),
  },
  ({ body }) => body,
);
const raw = route(
  { method: 'PUT', path: '/raw', summary: 'raw', tag: 't', access: 'open', rawBodyMaxBytes: 10 },
  ({ rawBody }) => ({ size: rawBody.length }),
);
const bug = route({ method: 'GET', path: '/bug', summary: 'bug', tag: 't', access: 'open' }, () => {
  throw new Error('secret inside');
});
const guarded = route(
  { method: 'POST', path: '/guarded', summary: 'g', tag: 't', access: 'sameOrigin', body: z.object({}) },
  () => ({ ok: true }),
);
const refused = route({ method: 'GET', path: '/refused', summary: 'r', tag: 't', access: 'nobody' }, () => ({}));

async function start(t: ExecutionContext) {
  const metrics = createMetrics('test');
  const hub = createEventHub();
  const events = route({ method: 'GET', path: '/events', summary: 'e', tag: 't', access: 'open' }, ({ ctx }) =>
    hub.attach(ctx, 'c', [{ event: 'hello', data: 1 }]),
  );
  const app = createHttpApp({
    log: createLog('test', 'silent'),
    metrics,
    routes: [
      echo,
      raw,
      bug,
      guarded,
      refused,
      events,
      ...healthRoutes('test', metrics, { always: () => {}, never: () => Promise.reject(new Error('down')) }),
    ],
    access: {
      open: openAccess,
      local: localAccess,
      sameOrigin: requireSameOrigin,
      nobody: () => {
        throw new AppError('SESSION_EXPIRED', 'Sign in again.');
      },
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  t.teardown(() => server[Symbol.asyncDispose]());
  return { ...server, hub };
}
const json = (body: string) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body });

test('every refusal is problem+json with its code and the request id of the answer', async (t) => {
  const { url } = await start(t);
  const cases: [string, RequestInit, number, string][] = [
    ['/nothing', {}, 404, 'NOT_FOUND'],
    ['/echo/1', {}, 405, 'METHOD_NOT_ALLOWED'],
    ['/echo/1', json('{"a":"x"}'), 422, 'BODY_INVALID'],
    ['/echo/1', json('{"a":1,"b":2}'), 422, 'BODY_INVALID'],
    ['/echo/1', json('{'), 422, 'BODY_INVALID'],
    [
      '/echo/1',
      { method: 'POST', body: 'a=1', headers: { 'content-type': 'text/plain' } },
      415,
      'CONTENT_TYPE_UNSUPPORTED',
    ],
    ['/raw', { method: 'PUT', body: 'x'.repeat(11) }, 413, 'BODY_TOO_LARGE'],
    ['/refused', {}, 401, 'SESSION_EXPIRED'],
    ['/bug', {}, 500, 'INTERNAL'],
  ];
  for (const [path, init, status, code] of cases) {
    const response = await fetch(url + path, init);
    const problem = (await response.json()) as { code: string; requestId: string; detail: string };
    t.is(response.status, status, path);
    t.is(response.headers.get('content-type'), 'application/problem+json', path);
    t.is(problem.code, code);
    t.is(response.headers.get('x-request-id'), problem.requestId);
    t.false(JSON.stringify(problem).includes('secret inside'));
  }
});

test('after a body over the limit the next request works', async (t) => {
  const { url } = await start(t);
  for (let turn = 0; turn < 3; turn += 1) {
    t.is((await fetch(`${url}/raw`, { method: 'PUT', body: 'x'.repeat(300_000) })).status, 413);
    t.is((await fetch(`${url}/raw`, { method: 'PUT', body: 'ok' })).status, 200);
  }
});

test('readyz names what fails, healthz lives, metrics count', async (t) => {
  const { url } = await start(t);
  t.is((await fetch(`${url}/healthz`)).status, 200);
  const ready = await fetch(`${url}/readyz`);
  t.is(ready.status, 503);
  t.deepEqual(((await ready.json()) as { checks: unknown }).checks, { always: 'ok', never: 'failing' });
  t.regex(
    await (await fetch(`${url}/metrics`)).text(),
    /sgp_http_request_seconds_count\{.*route="\/readyz",status="503"\} 1/,
  );
  t.is((await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 404);
});

test('another site cannot make the browser change anything', async (t) => {
  const { url } = await start(t);
  const post = async (headers: Record<string, string>): Promise<number> =>
    (
      await fetch(`${url}/guarded`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{}',
      })
    ).status;
  t.is(await post({ 'sec-fetch-site': 'same-origin', origin: url }), 200);
  t.is(await post({}), 200);
  t.is(await post({ origin: 'https://evil.example' }), 403);
  t.is(await post({ 'sec-fetch-site': 'cross-site' }), 403);
  t.is(await post({ 'sec-fetch-site': 'same-site' }), 403);
  t.is(await post({ origin: 'null' }), 403);
});

test('an event stream hears its channel, and closing the browser frees its place', async (t) => {
  const { hub, port } = await start(t);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /events HTTP/1.1\r\nhost: x\r\n\r\n');
  let text = '';
  const until = async (part: string): Promise<void> => {
    while (!text.includes(part)) text += String((await once(socket, 'data'))[0]);
  };
  await until('event: hello');
  hub.send('other', { event: 'no', data: 0 });
  hub.send('c', { event: 'news', data: { n: 1 } });
  await until('event: news\ndata: {"n":1}\n\n');
  t.false(text.includes('event: no\n'));
  t.is(hub.size, 1);
  socket.destroy();
  while (hub.size > 0) await new Promise((resolve) => setImmediate(resolve));
  t.is(hub.size, 0);
});
