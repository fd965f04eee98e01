import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyKeyset } from '@sgp/auth/licence';
import { newSigningKey, publicSigningKey } from '@sgp/auth/signing-key';
import test from 'ava';
import { openKeyring } from '../src/keys/keyring.ts';
import { licenceTimes } from '../src/licences/licence-issuer.ts';
import { temporaryDir } from './support/license.ts';

const nowMs = Date.UTC(2026, 10, 20);
const dayMs = 86_400_000;

test('keys are made at the first run, for their owner alone, and are the same ever after', async (t) => {
  const dir = join(temporaryDir(t), 'keys');
  const first = await openKeyring(dir, { mayCreate: true, nowMs });
  await first.keyset(nowMs);
  const again = await openKeyring(dir, { mayCreate: false, nowMs: nowMs + 400 * dayMs });
  t.deepEqual(again.roots, first.roots);
  t.deepEqual(again.licenceKey, first.licenceKey);
  t.deepEqual(readdirSync(dir).toSorted(), ['keyset.jws', 'licence.jwk', 'root-next.jwk', 'root.jwk']);
  if (process.platform !== 'win32') {
    for (const name of readdirSync(dir)) t.is(statSync(join(dir, name)).mode & 0o777, 0o600, name);
    t.is(statSync(dir).mode & 0o777, 0o700);
  }
});

test('two processes that start at once agree on the keys', async (t) => {
  const dir = temporaryDir(t);
  const rings = await Promise.all(Array.from({ length: 8 }, () => openKeyring(dir, { mayCreate: true, nowMs })));
  t.is(new Set(rings.map(({ licenceKey }) => licenceKey.d)).size, 1);
  t.is(new Set(rings.map(({ roots }) => JSON.stringify(roots))).size, 1);
});

test('a kid tells purpose, month and thumbprint', async (t) => {
  const ring = await openKeyring(temporaryDir(t), { mayCreate: true, nowMs });
  t.regex(ring.licenceKey.kid, /^lic-202611-[A-Za-z0-9_-]{8}$/);
  for (const { kid } of ring.roots.keys) t.regex(kid, /^root-202611-[A-Za-z0-9_-]{8}$/);
});

test('the keyset is signed anew each month, and its version only grows, across restarts too', async (t) => {
  const dir = temporaryDir(t);
  const ring = await openKeyring(dir, { mayCreate: true, nowMs });
  const versionAt = async (atMs: number, of = ring): Promise<number> =>
    (await verifyKeyset(await of.keyset(atMs), of.roots, atMs)).version;
  t.is(await versionAt(nowMs), 1);
  t.is(await versionAt(nowMs + 30 * dayMs), 1);
  t.is(await versionAt(nowMs + 31 * dayMs), 2);
  const restarted = await openKeyring(dir, { mayCreate: false, nowMs });
  t.is(await versionAt(nowMs + 32 * dayMs, restarted), 2);
  t.is(await versionAt(nowMs + 500 * dayMs, restarted), 3, 'one that is too old is replaced');
});

test('a sync key is listed beside the former one, once, and stays over a restart and the monthly signing', async (t) => {
  const dir = temporaryDir(t);
  const ring = await openKeyring(dir, { mayCreate: true, nowMs });
  const newKey = async () => publicSigningKey(await newSigningKey('sync', nowMs));
  const [first, second, third] = [await newKey(), await newKey(), await newKey()];
  const listed = async (of = ring, atMs = nowMs) => {
    const { version, keys } = await verifyKeyset(await of.keyset(atMs), of.roots, atMs);
    return { version, kids: keys.filter(({ purpose }) => purpose === 'sync').map(({ kid }) => kid) };
  };
  t.is((await verifyKeyset(await ring.keyset(nowMs), ring.roots, nowMs)).version, 1);
  t.deepEqual(await Promise.all([ring.listSyncKey(first, nowMs), ring.listSyncKey(first, nowMs)]), [2, 2]);
  t.is(await ring.listSyncKey(second, nowMs), 3);
  t.deepEqual(await listed(), { version: 3, kids: [second.kid, first.kid] });
  t.is(await ring.listSyncKey(first, nowMs), 3, 'what is listed is not listed again');
  const restarted = await openKeyring(dir, { mayCreate: false, nowMs });
  t.deepEqual(await listed(restarted, nowMs + 31 * dayMs), { version: 4, kids: [second.kid, first.kid] });
  t.is(await restarted.listSyncKey(third, nowMs), 5);
  t.deepEqual((await listed(restarted)).kids, [third.kid, second.kid]);
  await t.throwsAsync(restarted.listSyncKey({ ...first, kid: third.kid }, nowMs), { code: 'ALREADY_EXISTS' });
  const licenceKid = restarted.licenceKey.kid;
  await t.throwsAsync(restarted.listSyncKey({ ...first, kid: licenceKid }, nowMs), { code: 'ALREADY_EXISTS' });
});

test('keys that are gone or broken are told in one sentence, and no new ones are made in their place', async (t) => {
  const dir = temporaryDir(t);
  await openKeyring(dir, { mayCreate: true, nowMs });
  writeFileSync(join(dir, 'licence.jwk'), '{');
  await t.throwsAsync(openKeyring(dir, { mayCreate: true, nowMs }), { name: 'ConfigError', message: /restore it/ });
  rmSync(join(dir, 'licence.jwk'));
  await t.throwsAsync(openKeyring(dir, { mayCreate: false, nowMs }), { name: 'ConfigError', message: /is gone/ });
  t.false(readdirSync(dir).includes('licence.jwk'));
});

test('a keyset that these roots did not sign is not served', async (t) => {
  const [dir, other] = [temporaryDir(t), temporaryDir(t)];
  const foreign = await (await openKeyring(other, { mayCreate: true, nowMs })).keyset(nowMs);
  const ring = await openKeyring(dir, { mayCreate: true, nowMs });
  writeFileSync(join(dir, 'keyset.jws'), foreign);
  await t.throwsAsync(ring.keyset(nowMs), { name: 'ConfigError' });
  t.is(readFileSync(join(dir, 'keyset.jws'), 'utf8'), foreign, 'nothing is overwritten');
});

test('a licence lives 30 days, but at most 14 beyond what is paid, and then 14 of grace', (t) => {
  const nowS = nowMs / 1000;
  const daysS = (days: number): number => nowS + days * 86_400;
  t.like(licenceTimes(nowMs, null), {
    exp: daysS(30),
    grace_until: daysS(44),
    paid_until: daysS(365),
    nbf: nowS - 300,
  });
  t.like(licenceTimes(nowMs, nowMs + 5 * dayMs), { exp: daysS(19), grace_until: daysS(33), paid_until: daysS(5) });
  t.like(licenceTimes(nowMs, nowMs - 20 * dayMs), { exp: daysS(-6), grace_until: daysS(8) });
});
