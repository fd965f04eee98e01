import { createSessions, type SessionRecord, type SessionStore } from '@sgp/auth/sessions';
import test from 'ava';

const hourMs = 3_600_000;

/** The port, in memory. */
function createMemoryStore(): SessionStore & { readonly rows: Map<string, SessionRecord>; readonly writes: string[] } {
  const rows = new Map<string, SessionRecord>();
  const writes: string[] = [];
  return {
    rows,
    writes,
    async insert(session) {
      rows.set(session.tokenHash, session);
    },
    find: async (tokenHash) => rows.get(tokenHash),
    async touch(tokenHash, lastSeenAt) {
      writes.push(tokenHash);
      const row = rows.get(tokenHash);
      if (row) rows.set(tokenHash, { ...row, lastSeenAt });
    },
    async remove(tokenHash) {
      rows.delete(tokenHash);
    },
    async removeOfUser(userId, except) {
      for (const row of rows.values())
        if (row.userId === userId && row.tokenHash !== except) rows.delete(row.tokenHash);
    },
  };
}

function setUp() {
  const store = createMemoryStore();
  return { store, sessions: createSessions({ store, idleMs: 4 * hourMs, maxMs: 16 * hourMs }) };
}

test('a token opens its session, and only its hash is stored', async (t) => {
  const { store, sessions } = setUp();
  const { token, expiresAt } = await sessions.start('ana', 0);
  t.regex(token, /^[A-Za-z0-9_-]{43}$/);
  t.is(expiresAt, 4 * hourMs);
  t.like(await sessions.check(token, 1), { userId: 'ana' });
  t.false(JSON.stringify([...store.rows]).includes(token));
});

test('the hash from the database, another token and rubbish open nothing', async (t) => {
  const { store, sessions } = setUp();
  const { token } = await sessions.start('ana', 0);
  const flipped = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`;
  for (const wrong of [[...store.rows.keys()][0] ?? '', flipped, '', `${token}=`, '; drop table'])
    t.is(await sessions.check(wrong, 1), undefined);
});

test('a session ends when nobody used it for the idle time, and its row goes', async (t) => {
  const { store, sessions } = setUp();
  const { token } = await sessions.start('ana', 0);
  t.truthy(await sessions.check(token, 4 * hourMs - 1));
  t.is(await sessions.check(token, 8 * hourMs - 1), undefined);
  t.is(store.rows.size, 0);
});

test('a session in use goes on until the longest life, and no further', async (t) => {
  const { sessions } = setUp();
  const { token } = await sessions.start('ana', 0);
  for (let at = hourMs; at < 16 * hourMs; at += hourMs) t.truthy(await sessions.check(token, at));
  t.is(await sessions.check(token, 16 * hourMs), undefined);
});

test('a session in use is written at most once a minute', async (t) => {
  const { store, sessions } = setUp();
  const { token } = await sessions.start('ana', 0);
  for (let at = 0; at <= 180_000; at += 1000) await sessions.check(token, at);
  t.is(store.writes.length, 3);
});

test('each sign-in gets a new token; signing out ends one, a new password all others', async (t) => {
  const { sessions } = setUp();
  const [one, two, three] = [
    await sessions.start('ana', 0),
    await sessions.start('ana', 0),
    await sessions.start('ana', 0),
  ];
  const other = await sessions.start('bia', 0);
  t.is(new Set([one.token, two.token, three.token]).size, 3);
  await sessions.end(one.token);
  t.is(await sessions.check(one.token, 1), undefined);
  await sessions.endAllOf('ana', two.token);
  t.truthy(await sessions.check(two.token, 1));
  t.is(await sessions.check(three.token, 1), undefined);
  t.truthy(await sessions.check(other.token, 1));
  await sessions.endAllOf('ana');
  t.is(await sessions.check(two.token, 1), undefined);
});
