import { newId } from '@sgp/service-kit/ids';
import type { Session, User } from '@sgp/shared/api/people';
import test from 'ava';
import { listenEvents } from '../../../test/support/sse.ts';
import { openBrowser } from './support/browser.ts';
import { openShopApp, owner, signedIn } from './support/shop-app.ts';

test('the set-up happens once, also when two browsers try at the same time', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const first = openBrowser(app.url);
  t.like(await first.ok('GET', '/api/setup'), { needsOwner: true, shopName: 'Gráfica Aurora' });
  const tries = await Promise.all(
    ['ana', 'bia', 'caio'].map((login) =>
      openBrowser(app.url).send('POST', '/api/setup/owner', { ...owner, login, shopName: 'Fio & Ponto' }),
    ),
  );
  t.deepEqual(tries.map((answer) => answer.status).sort(), [201, 409, 409]);
  t.like(await first.ok('GET', '/api/setup'), { needsOwner: false, shopName: 'Fio & Ponto' });
  t.is((await first.refused('POST', '/api/setup/owner', owner)).code, 'SETUP_DONE');
  t.is(await app.domain.users.countActiveOwners(app.db), 1);
});

test('sign-in gives a session cookie that scripts and other sites cannot use, and sign-out ends it', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  await signedIn(app);
  const browser = openBrowser(app.url);
  t.deepEqual(await browser.ok('GET', '/api/sign-in/people'), { people: [{ login: 'ana', name: 'Ana' }] });
  const answer = await browser.send('POST', '/api/session', { login: ' ANA ', password: owner.password });
  t.is(answer.status, 201);
  const cookie = answer.headers.getSetCookie()[0] ?? '';
  for (const part of [/httponly/i, /samesite=strict/i, /path=\//i]) t.regex(cookie, part);
  const session = await browser.ok<Session>('GET', '/api/session');
  t.like(session, { user: { login: 'ana', role: 'owner' }, shop: { slug: 'aurora' } });
  const stolen = browser.cookie;
  await browser.ok('DELETE', '/api/session');
  browser.cookie = stolen;
  t.is((await browser.refused('GET', '/api/session')).code, 'SESSION_EXPIRED');
  t.is((await app.db('sessions').select('token_hash')).filter((row) => stolen.includes(row.token_hash)).length, 0);
});

test('a refused sign-in never tells which part was wrong', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  await signedIn(app);
  const browser = openBrowser(app.url);
  const wrong = await browser.refused('POST', '/api/session', { login: 'ana', password: 'errada errada errada' });
  const unknown = await browser.refused('POST', '/api/session', { login: 'ninguem', password: owner.password });
  t.is(wrong.code, 'CREDENTIALS_INVALID');
  t.deepEqual({ ...wrong, requestId: '' }, { ...unknown, requestId: '' });
});

test('after five failures the account waits at that address, even with the right password, and tries at once count', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  await signedIn(app);
  const browser = openBrowser(app.url);
  const tries = await Promise.all(
    Array.from({ length: 8 }, () => browser.send('POST', '/api/session', { login: 'ana', password: 'errada' })),
  );
  const codes = tries.map((answer) => (answer.body as { code: string }).code).sort();
  t.deepEqual(codes, [...Array(5).fill('CREDENTIALS_INVALID'), ...Array(3).fill('RATE_LIMITED')]);
  const limited = await browser.send('POST', '/api/session', { login: 'ana', password: owner.password });
  t.is(limited.status, 429);
  const waitS = Number(limited.headers.get('retry-after'));
  t.true(waitS > 50 && waitS <= 60);
  // The failures grow old.
  await app.db('sign_in_failures').update({ failed_at: Date.now() - 61_000 });
  t.is((await browser.send('POST', '/api/session', { login: 'ana', password: owner.password })).status, 201);
  t.deepEqual(await app.db('sign_in_failures'), []);
});

test('a session ends after four hours without use and after sixteen hours in any case', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const hour = 3_600_000;
  const at = (createdAgo: number, seenAgo: number) =>
    app.db('sessions').update({ created_at: Date.now() - createdAgo, seen_at: Date.now() - seenAgo });
  await at(15 * hour, 3 * hour);
  t.true((await browser.ok<Session>('GET', '/api/session')).expiresAt < Date.now() + hour + 1000);
  const [row] = await app.db('sessions').select('seen_at');
  t.true(row.seen_at > Date.now() - 10_000, 'the use was written down');
  await at(15 * hour, 4 * hour);
  t.is((await browser.refused('GET', '/api/session')).code, 'SESSION_EXPIRED');
  await at(16 * hour, 0);
  t.is((await browser.refused('GET', '/api/session')).code, 'SESSION_EXPIRED');
});

test('a new password or a disabled account ends the sessions of that person and their open event streams', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const bia = { name: 'Bia', login: 'bia', password: 'outra senha comprida', role: 'desk' };
  const { userId } = await boss.ok<User>('POST', '/api/users', bia);
  const desk = openBrowser(app.url);
  await desk.ok('POST', '/api/session', { login: bia.login, password: bia.password });
  const stream = await fetch(`${app.url}/api/events`, { headers: { cookie: desk.cookie } });
  await boss.ok('PATCH', `/api/users/${userId}`, { password: 'a terceira senha longa' });
  t.is((await desk.refused('GET', '/api/session')).code, 'SESSION_EXPIRED');
  t.true((await stream.text()).includes('event: hello'), 'the stream ended');
  await desk.ok('POST', '/api/session', { login: 'bia', password: 'a terceira senha longa' });
  t.truthy((await boss.ok<User>('PATCH', `/api/users/${userId}`, { disabled: true })).disabledAt);
  t.is((await desk.refused('GET', '/api/session')).code, 'SESSION_EXPIRED');
  t.is(
    (await desk.refused('POST', '/api/session', { login: 'bia', password: 'a terceira senha longa' })).code,
    'CREDENTIALS_INVALID',
  );
  const kept = JSON.stringify(await app.db('audit').where({ entity: 'user' }));
  t.false(kept.includes('argon2') || kept.includes('terceira'), 'the trail holds no password');
});

test('a manager makes and changes nobody above the own role, and the last owner stays', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const manager = { name: 'Bia', login: 'bia', password: 'outra senha comprida', role: 'manager' };
  await boss.ok('POST', '/api/users', manager);
  t.is((await boss.refused('POST', '/api/users', { ...manager, name: 'Outra' })).code, 'ALREADY_EXISTS');
  const desk = openBrowser(app.url);
  await desk.ok('POST', '/api/session', { login: 'bia', password: manager.password });
  t.is((await desk.refused('POST', '/api/users', { ...manager, login: 'x1', role: 'owner' })).code, 'SCOPE_MISSING');
  const { userId } = (await boss.ok<Session>('GET', '/api/session')).user;
  t.is((await desk.refused('PATCH', `/api/users/${userId}`, { password: 'tomei a conta dela' })).code, 'SCOPE_MISSING');
  t.is((await boss.refused('PATCH', `/api/users/${userId}`, { role: 'desk' })).code, 'SCOPE_MISSING');
  t.is((await boss.refused('PATCH', `/api/users/${userId}`, { disabled: true })).code, 'SCOPE_MISSING');
  t.is((await boss.refused('PATCH', `/api/users/${newId()}`, { name: 'X' })).code, 'NOT_FOUND');
  t.is((await boss.ok<Session>('GET', '/api/session')).user.role, 'owner');
});

test('what another site makes the browser send is refused', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  for (const headers of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const answer = await browser.send('POST', '/api/customers', { name: 'X' }, headers);
    t.is((answer.body as { code: string }).code, 'CSRF_BLOCKED');
    const session = await browser.send('POST', '/api/session', { login: 'ana', password: owner.password }, headers);
    t.is((session.body as { code: string }).code, 'CSRF_BLOCKED');
  }
  t.deepEqual(await browser.ok('GET', '/api/customers'), { customers: [] });
});

test('the event stream begins with hello and tells of services that come and go', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  using events = await listenEvents(`${app.url}/api/events`, browser.cookie);
  const next = events.next('services.changed');
  await app.broker.publish('sgp/aurora/_service/bridge/status', { online: true, at: Date.now(), version: '1.2.3' });
  await next;
  t.is(events.heard[0]?.event, 'hello');
  const { services } = await browser.ok<{ services: { name: string; online: boolean; version: string | null }[] }>(
    'GET',
    '/api/services',
  );
  t.like(
    services.find(({ name }) => name === 'bridge'),
    { online: true, version: '1.2.3' },
  );
  t.like(
    services.find(({ name }) => name === 'media-sync'),
    { online: false, version: null },
  );
});
