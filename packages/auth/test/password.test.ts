import { hashPassword, verifyPassword } from '@sgp/auth/password';
import test from 'ava';

const password = 'dourado cinco azulejo';

test.serial('a password verifies against its hash, and no other does', async (t) => {
  const stored = await hashPassword(password);
  t.true(await verifyPassword(password, stored));
  t.false(await verifyPassword(`${password} `, stored));
  t.false(await verifyPassword('', stored));
});

test.serial('a hash is argon2id with the agreed costs and a salt of its own', async (t) => {
  const [first, second] = await Promise.all([hashPassword(password), hashPassword(password)]);
  t.regex(first, /^\$argon2id\$v=19\$m=65536,t=3,p=1\$/);
  t.not(first, second);
});

test.serial('composed and decomposed letters are the same password', async (t) => {
  const stored = await hashPassword('produção de verão'.normalize('NFD'));
  t.true(await verifyPassword('produção de verão'.normalize('NFC'), stored));
});

test.serial('a login that nobody has costs the same time as a wrong password', async (t) => {
  const stored = await hashPassword(password);
  await verifyPassword('warm up', undefined);
  const median = async (storedHash: string | undefined): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      const startedAt = performance.now();
      t.false(await verifyPassword('wrong password', storedHash));
      times.push(performance.now() - startedAt);
    }
    return times.sort((a, b) => a - b)[4] as number;
  };
  const [known, unknown] = [await median(stored), await median(undefined)];
  // The machine that runs the tests is shared, so the bound is wide; an early answer would be a thousand times faster.
  t.true(unknown > known / 3 && unknown < known * 3, `known ${known} ms, unknown ${unknown} ms`);
});

test.serial('a password above the limit is not hashed as it is, and never right', async (t) => {
  t.false(await verifyPassword('x'.repeat(1_000_000), await hashPassword(password)));
});

test.serial(
  'of 30 sign-ins at once 18 are served, 12 are refused at once, and later ones are served again',
  async (t) => {
    const stored = await hashPassword(password);
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 5);
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => verifyPassword(password, stored)));
    clearInterval(watch);
    const refused = results.filter((result) => result.status === 'rejected');
    t.is(results.filter((result) => result.status === 'fulfilled' && result.value).length, 18);
    t.is(refused.length, 12);
    for (const { reason } of refused) t.like(reason, { code: 'HASH_BUSY', details: { retryAfterS: 1 } });
    t.true(await verifyPassword(password, stored));
    // SECURITY A3: two hashes of 64 MiB at once, not thirty.
    t.true(peak - before < 160 * 1024 * 1024, `grew by ${Math.round((peak - before) / 1_048_576)} MiB`);
  },
);

test.serial('a stored hash that is broken is an error, and gives its place back', async (t) => {
  for (let i = 0; i < 4; i += 1) await t.throwsAsync(verifyPassword(password, 'not a hash'));
  t.true(await verifyPassword(password, await hashPassword(password)));
});
