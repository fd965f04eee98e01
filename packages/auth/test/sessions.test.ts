import { sha256Hex } from '@sgp/auth/digest';
import { newSessionToken, sessionEnd, sessionTokenHash } from '@sgp/auth/sessions';
import test from 'ava';

test('every sign-in has a token of its own, of 256 bits, that is looked up by its hash', (t) => {
  const tokens = Array.from({ length: 100 }, newSessionToken);
  t.is(new Set(tokens.map(({ token }) => token)).size, 100);
  for (const { token, tokenHash } of tokens) {
    t.is(Buffer.from(token, 'base64url').length, 32);
    t.is(tokenHash, sha256Hex(token));
    t.is(sessionTokenHash(token), tokenHash);
  }
});

test('what cannot be a token is not looked up', (t) => {
  for (const text of [undefined, '', 'x', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)} `, `${'A'.repeat(42)}é`])
    t.is(sessionTokenHash(text), null);
});

test('a session ends when it was not used for long, and some day in any case', (t) => {
  const limit = { idleMs: 10, maxMs: 100 };
  t.is(sessionEnd({ createdAt: 0, seenAt: 0 }, limit), 10);
  t.is(sessionEnd({ createdAt: 0, seenAt: 50 }, limit), 60);
  t.is(sessionEnd({ createdAt: 0, seenAt: 95 }, limit), 100);
});
