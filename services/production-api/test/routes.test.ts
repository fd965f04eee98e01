import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '@sgp/service-kit/ids';
import type { OpenApiDocument } from '@sgp/service-kit/openapi';
import type { Route } from '@sgp/service-kit/route';
import { isErrorCode, type Problem } from '@sgp/shared/errors';
import test from 'ava';
import * as z from 'zod';
import { openBrowser } from './support/browser.ts';
import { openShopApp, signedIn } from './support/shop-app.ts';
import { tempDir } from './support/temp-dir.ts';

/** Addresses that answer somebody who is not signed in. A new one must be written down here. */
const open = [
  'GET /api/docs',
  'GET /api/docs/start.js',
  'GET /api/docs/swagger-ui-bundle.js',
  'GET /api/docs/swagger-ui.css',
  'GET /api/openapi.json',
  'GET /api/setup',
  'GET /api/sign-in/people',
  'GET /healthz',
  'GET /readyz',
  'POST /api/session',
  'POST /api/setup/owner',
];
/** Addresses for owners and managers. */
const managers = [
  'GET /api/sync/bundle',
  'GET /api/sync/bundle/:id/file',
  'GET /api/users',
  'PATCH /api/catalogue/:id',
  'PATCH /api/users/:id',
  'POST /api/conflicts/:id/keep',
  'POST /api/conflicts/:id/restore',
  'POST /api/sync/bundle',
  'POST /api/sync/bundle/ack',
  'POST /api/users',
  'PUT /api/blocks/:id',
  'PUT /api/settings',
];

/** Addresses that take nothing that could be wrong. */
const takeNothing = ['DELETE /api/session', 'POST /api/sync/bundle'];

const nameOf = ({ spec }: Route): string => `${spec.method} ${spec.path}`;
const addressOf = ({ spec }: Route): string => spec.path.replaceAll(/:[A-Za-z]+/g, () => newId());

test('every route refuses who may not call it, before it looks at anything else', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const operator = { name: 'Olga', login: 'olga', password: 'senha de operadora', role: 'operator' };
  await boss.ok('POST', '/api/users', operator);
  const floor = openBrowser(app.url);
  await floor.ok('POST', '/api/session', { login: 'olga', password: operator.password });
  const stranger = openBrowser(app.url);
  const forged = Object.assign(openBrowser(app.url), { cookie: `sgp_sid=${'A'.repeat(43)}` });

  t.deepEqual(
    app.routes
      .filter(({ spec }) => spec.access === 'open')
      .map(nameOf)
      .sort(),
    open,
  );
  t.deepEqual(app.routes.filter(({ spec }) => spec.access === 'local').map(nameOf), ['GET /metrics']);
  t.deepEqual(
    managers.filter((name) => !app.routes.some((route) => nameOf(route) === name && route.spec.access === 'manager')),
    [],
  );
  for (const route of app.routes) {
    const { method, access } = route.spec;
    if (access === 'open' || access === 'local') continue;
    for (const browser of [stranger, forged]) {
      const answer = await browser.send(method, addressOf(route));
      t.is((answer.body as Problem).code, 'SESSION_EXPIRED', nameOf(route));
    }
    if (access === 'manager')
      t.is(((await floor.send(method, addressOf(route))).body as Problem).code, 'SCOPE_MISSING', nameOf(route));
  }
  t.is((await stranger.send('GET', '/metrics', undefined, { 'x-forwarded-for': '10.0.0.1' })).status, 404);
  t.is((await stranger.send('GET', '/metrics')).status, 200);
});

test('whatever a browser sends, each refusal is a problem with a code of ours and never a failure', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const bodies = [{ __proto__: 1, x: 1 }, [], null, 'text', { name: { deep: [] }, expectedVersion: -1 }];
  for (const route of app.routes.filter((each) => each.spec.method !== 'GET' && !takeNothing.includes(nameOf(each))))
    for (const body of bodies) {
      const answer = await browser.send(route.spec.method, addressOf(route), body);
      const { code } = answer.body as Problem;
      t.true(answer.status >= 400 && answer.status < 500 && isErrorCode(code), `${nameOf(route)} ${answer.status}`);
    }
  const notJson = await fetch(`${app.url}/api/customers`, {
    method: 'POST',
    headers: { cookie: browser.cookie, 'content-type': 'application/json' },
    body: '{"name":',
  });
  t.is(((await notJson.json()) as Problem).code, 'BODY_INVALID');
  const asText = await fetch(`${app.url}/api/customers`, {
    method: 'POST',
    headers: { cookie: browser.cookie, 'content-type': 'text/plain' },
    body: '{"name":"x"}',
  });
  t.is(asText.status, 415);
});

test('the OpenAPI document covers every route, with schemas that are JSON Schema', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const document = (await openBrowser(app.url).ok('GET', '/api/openapi.json')) as OpenApiDocument;
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = app.routes.map(({ spec }) => `${spec.method} ${spec.path.replaceAll(/:([A-Za-z]+)/g, '{$1}')}`);
  t.deepEqual(described.sort(), routes.sort());
  const ids = new Set<string>();
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const known = operationSchema.parse(operation);
      ids.add(known.operationId);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const inPath = (known.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      t.deepEqual(inPath, named as string[], `${method} ${path} describes its parameters`);
      for (const schema of schemasOf(known)) t.notThrows(() => z.fromJSONSchema(schema), `${method} ${path}`);
      t.deepEqual(
        known.security,
        known['x-access'] === 'open' || known['x-access'] === 'local' ? [] : [{ session: [] }],
      );
    }
  t.is(ids.size, routes.length, 'operation ids are unique');
});

type Schema = Parameters<typeof z.fromJSONSchema>[0];
const schemaField = z.custom<Schema>((value) => typeof value === 'object' && value !== null);
const content = z.record(z.string(), z.strictObject({ schema: schemaField }));
const operationSchema = z.strictObject({
  summary: z.string().min(3),
  tags: z.array(z.string()).length(1),
  operationId: z.string().regex(/^[a-z][A-Za-z0-9]+$/),
  'x-access': z.string(),
  security: z.array(z.record(z.string(), z.array(z.never()))),
  parameters: z
    .array(
      z.strictObject({ name: z.string(), in: z.enum(['path', 'query']), required: z.boolean(), schema: schemaField }),
    )
    .optional(),
  requestBody: z.strictObject({ required: z.literal(true), content }).optional(),
  responses: z.record(
    z.string().regex(/^(2\d\d|default)$/),
    z.union([
      z.strictObject({ description: z.string(), content: content.optional() }),
      z.strictObject({ $ref: z.string() }),
    ]),
  ),
});

const schemasOf = (operation: z.infer<typeof operationSchema>): Schema[] => [
  ...(operation.parameters ?? []).map(({ schema }) => schema),
  ...Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema),
  ...Object.values(operation.responses).flatMap((response) =>
    'content' in response ? Object.values(response.content ?? {}).map(({ schema }) => schema) : [],
  ),
];

test('the viewer of the API loads everything from this server', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = openBrowser(app.url);
  const page = await browser.send('GET', '/api/docs');
  const html = String(page.body);
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  t.is(links.length, 3);
  for (const link of links) t.is((await browser.send('GET', link)).status, 200, link);
  t.false(/<script>|style=|https?:/.test(html));
  t.regex(page.headers.get('content-security-policy') ?? '', /script-src 'self';/);
});

test('the intranet is served with a policy that allows nothing inline and nothing from elsewhere', async (t) => {
  await using stack = new AsyncDisposableStack();
  const webDir = join(await tempDir(stack), 'dist');
  await mkdir(join(webDir, 'assets'), { recursive: true });
  await writeFile(join(webDir, 'index.html'), '<!doctype html><title>SGP</title>');
  await writeFile(join(webDir, 'assets', 'app-abc.js'), 'export {};');
  const app = await openShopApp(stack, { webDir });
  const browser = openBrowser(app.url);
  const asPage = { accept: 'text/html' };
  for (const path of ['/', '/pedidos', '/pedidos/1001']) {
    const page = await browser.send('GET', path, undefined, asPage);
    t.regex(String(page.body), /<title>SGP/);
    const policy = page.headers.get('content-security-policy') ?? '';
    t.false(/unsafe|\*|https?:/.test(policy), policy);
    t.regex(policy, /default-src 'none'.*frame-ancestors 'none'/);
  }
  t.is((await browser.send('GET', '/assets/app-abc.js')).status, 200);
  t.is((await browser.send('GET', '/assets/gone.js')).status, 404);
  t.is(((await browser.send('GET', '/api/nothing', undefined, asPage)).body as Problem).code, 'NOT_FOUND');
  t.is((await browser.send('GET', '/../production.db', undefined, {})).status, 404);
});
