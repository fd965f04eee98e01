import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { anyNode, licenseService, nodeAudience, type PrivateSigningKey, signDocument } from '@sgp/auth/document';
import { nodeFiles, readNodeKey } from '@sgp/auth/node-identity';
import { newId } from '@sgp/service-kit/ids';
import type { LicenceClaims } from '@sgp/shared/api/licensing';
import type { AppError } from '@sgp/shared/errors';
import test from 'ava';
import { type LastTry, nextTryAtMs, setBackgroundTimer } from '../src/bridge/licence-renewal.ts';
import { createLicensedNode, startRenewal } from './support/licensed-node.ts';
import { createSyncWorld, mirrorOrders, until } from './support/sync-world.ts';
import { tempDir } from './support/temp-dir.ts';

/** Renewals against the real license process, with the real files. Time passes where a test says so. */

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Everything in the folder, so that a leftover shows as well. */
const contentOf = (dir: string): Record<string, string> =>
  Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]));

/** Claims as they stand, verified by nobody. */
const claimsIn = (jws: string): LicenceClaims & { readonly version: number } =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
const installedIn = (dir: string): LicenceClaims => claimsIn(readFileSync(join(dir, nodeFiles.licence), 'utf8'));

test('the next try is a minute past a day after the issue, then about each hour until it worked', (t) => {
  const now = 1_800_000_000_000;
  const due = dayMs + 60_000;
  const tried = (agoMs: number, random = 0.5): LastTry => ({ atMs: now - agoMs, random });
  const table: [string, number | null, LastTry | null, number][] = [
    ['issued now: in a day', now, null, now + due],
    ['issued 23 h ago: when the day is over', now - 23 * hourMs, null, now + hourMs + 60_000],
    ['issued long ago: it is due', now - 20 * dayMs, null, now - 20 * dayMs + due],
    ['no genuine licence: now', null, null, now],
    ['tried just now in vain: in an hour', now - 2 * dayMs, tried(0), now + hourMs],
    ['the earliest jitter', now - 2 * dayMs, tried(0, 0), now + 0.75 * hourMs],
    ['the latest jitter', now - 2 * dayMs, tried(0, 1), now + 1.25 * hourMs],
    ['tried 50 min ago: in 10 min', now - 2 * dayMs, tried(50 * 60_000), now + 10 * 60_000],
    ['tried in vain without a licence: in an hour as well', null, tried(0), now + hourMs],
    ['the last try worked: in a day', now, tried(0), now + due],
    ['tried in a future that the clock was set back from: it is due', now - due, tried(-5 * dayMs), now],
    ['issued in the future: a day after that', now + dayMs, null, now + dayMs + due],
  ];
  for (const [title, issuedAtMs, lastTry, expected] of table)
    t.is(nextTryAtMs(issuedAtMs, lastTry, now), expected, title);
});

test('the background timer does not keep the process alive, and can be taken back', (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const cancel = setBackgroundTimer(1, () => t.fail('it was taken back'));
  t.is(timers(), before);
  cancel();
});

test.serial('enrolment stores where the licence is renewed and what is signed for it', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { identity, wire } = await createLicensedNode(stack, 0);
  t.is(identity.licenseUrl, `http://127.0.0.1:${wire.port}`);
  t.regex(identity.licenseAuthority ?? '', /^127\.0\.0\.1:\d+$/);
  t.not(identity.licenseAuthority, `127.0.0.1:${wire.port}`);
});

test.serial('the bridge renews an old licence, production-api accepts it, and nothing secret is logged', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  const node = await createLicensedNode(stack, 10 * dayMs);
  await node.start();
  const before = await node.reader.read(Date.now());
  const bridge = await world.startBridge([], { NODE_DIR: node.nodeDir });
  await until('renewed', () => bridge.output().includes('licence renewed'));

  t.is(installedIn(node.nodeDir).seq, 2);
  const after = await node.reader.read(Date.now());
  t.like(after, { state: 'active', reason: null, licenceId: before.licenceId, establishmentName: 'Matriz' });
  const gainedMs = (after.expiresAt ?? 0) - (before.expiresAt ?? 0);
  t.true(Math.abs(gainedMs - 10 * dayMs) < 60_000, `${gainedMs} ms more`);
  if (process.platform !== 'win32') t.is(statSync(join(node.nodeDir, nodeFiles.licence)).mode & 0o777, 0o600);

  const url = /"url":"(http[^"]+)"/.exec(bridge.output())?.[1] ?? '';
  const figures = await (await fetch(`${url}/metrics`)).text();
  const expiresInS = Number(/^sgp_licence_expires_seconds\{service="bridge"\} ([\d.]+)$/m.exec(figures)?.[1]);
  t.true(expiresInS > 29.9 * 86_400 && expiresInS <= 30 * 86_400, `${expiresInS} s`);

  for (const secret of [node.identity.apiKey, readNodeKey(node.nodeDir).d]) t.false(bridge.output().includes(secret));
  bridge.child.kill('SIGTERM');
  t.deepEqual(await once(bridge.child, 'exit'), [0, null]);
});

test.serial('a licence of less than a day is left alone, without a call', async (t) => {
  await using stack = new AsyncDisposableStack();
  const node = await createLicensedNode(stack, 23 * hourMs);
  await node.start();
  const [before, sentBytes] = [contentOf(node.nodeDir), node.wire.sentBytes];
  const it = startRenewal(stack, node);
  t.is(await it.waitMs(), hourMs, 'a sleeping computer is looked at again within the hour');
  t.is(node.wire.sentBytes, sentBytes);
  t.deepEqual(contentOf(node.nodeDir), before);
  t.true(((await it.expiresInS()) ?? 0) > 29 * 86_400, 'when it ends is shown from the start');
  t.deepEqual([it.warnings, it.news], [[], []]);
});

test.serial(
  'while the license service is down nothing changes and one line tells it; then it is renewed',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const node = await createLicensedNode(stack, 25 * hourMs);
    const before = contentOf(node.nodeDir);
    const clock = { aheadMs: 0 };
    const it = startRenewal(stack, node, { clock });
    t.true(Math.abs((await it.waitMs()) - hourMs) < 5000);
    for (const mode of ['cut', 'open', 'deaf'] as const) {
      node.wire.set(mode);
      clock.aheadMs += hourMs;
      await it.again();
      t.deepEqual(contentOf(node.nodeDir), before, mode);
    }
    t.is(it.warnings.length, 1, 'once for the outage');
    t.like(it.warnings[0], { code: 'UNAVAILABLE' });

    await node.start();
    node.wire.set('open');
    // Four hours ahead by now: the service's time is learnt from its refusal.
    clock.aheadMs += hourMs;
    await it.again();
    t.is(installedIn(node.nodeDir).seq, 2);
    t.like(await node.reader.read(Date.now()), { state: 'active' });
    t.deepEqual(it.news, ['licence renewed']);
    await it.again();
    t.is(it.warnings.length, 1);
  },
);

test.serial('sync goes on while the licence cannot be renewed, and without an address one line says so', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  const { node } = world;
  const nodeDir = await tempDir(stack);
  const { nodeId, shortId, apiKey, keyId, companyId, establishmentId } = node;
  const older = {
    ...{ nodeId, shortId, apiKey, keyId, companyId, establishmentId },
    ...{ est: 'oficina', mirrorUrl: 'http://127.0.0.1:1', shopName: 'Oficina', timeZone: 'America/Sao_Paulo' },
  };
  await writeFile(join(nodeDir, nodeFiles.key), JSON.stringify(node.privateJwk));
  const arrives = async (identity: object, line: RegExp): Promise<void> => {
    await writeFile(join(nodeDir, nodeFiles.identity), JSON.stringify(identity));
    const bridge = await world.startBridge([], { NODE_DIR: nodeDir });
    await until('the line is there', () => line.test(bridge.output()));
    const orderId = await world.writer.write();
    await until('the order is on the mirror', async () => (await mirrorOrders(world)).has(orderId));
    t.is(bridge.output().match(new RegExp(line, 'g'))?.length, 1, String(line));
    t.is(bridge.child.exitCode, null);
    await bridge.kill();
  };
  await arrives({ ...older, licenseUrl: 'http://127.0.0.1:1' }, /licence could not be renewed/);
  await arrives(older, /does not know its license service/);
});

/** Answers every request alike; what it was asked is for the test to see. */
async function startServer(stack: AsyncDisposableStack, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.serial('what is not genuine, for this node and new is not installed: the files stay as they are', async (t) => {
  await using stack = new AsyncDisposableStack();
  const node = await createLicensedNode(stack, 25 * hourMs);
  const { nodeDir } = node;
  const read = (name: 'licence' | 'keyset'): Promise<string> => readFile(join(nodeDir, nodeFiles[name]), 'utf8');
  const [issuing, root] = [node.signingKey('licence'), node.signingKey('root')];
  const nowS = Math.floor(Date.now() / 1000);
  const oldLicence = claimsIn(await read('licence'));
  const licence = { ...oldLicence, jti: newId(), iat: nowS, nbf: nowS - 300, exp: nowS + 30 * 86_400, seq: 5 };
  const keyset = { ...claimsIn(await read('keyset')), version: 5 };
  // Installed are number 4 of both, so that a lower and an equal number can be told apart.
  await writeFile(join(nodeDir, nodeFiles.licence), await signDocument('lic+jwt', { ...oldLicence, seq: 4 }, issuing));
  await writeFile(join(nodeDir, nodeFiles.keyset), await signDocument('keyset+jwt', { ...keyset, version: 4 }, root));
  const other = await createLicensedNode(stack, 25 * hourMs);
  const impostor = (key: PrivateSigningKey, name: 'licence' | 'root'): PrivateSigningKey => ({
    ...other.signingKey(name),
    kid: key.kid,
  });
  type Change = { licence?: object; keyset?: object; issuing?: PrivateSigningKey; root?: PrivateSigningKey };
  const answer = async (change: Change): Promise<string> =>
    JSON.stringify({
      licence: await signDocument('lic+jwt', { ...licence, ...change.licence }, change.issuing ?? issuing),
      keyset: await signDocument('keyset+jwt', { ...keyset, ...change.keyset }, change.root ?? root),
      serverTimeMs: Date.now(),
    });
  let [status, body] = [200, ''];
  const url = await startServer(stack, (request, response) => {
    const code = request.url === '/elsewhere' ? 200 : status;
    response.writeHead(code, { 'content-type': 'application/json', location: '/elsewhere' }).end(body);
  });
  const before = contentOf(nodeDir);
  const refused = async (title: string, code: string): Promise<void> => {
    await using once = new AsyncDisposableStack();
    const it = startRenewal(once, node, { url });
    t.true((await it.waitMs()) > 0.7 * hourMs, title);
    t.like(it.warnings[0], { code } as Partial<AppError>, title);
    t.deepEqual(contentOf(nodeDir), before, title);
  };
  const forged: [string, Change, string][] = [
    ['a licence of another key', { issuing: impostor(issuing, 'licence') }, 'LIC_SIG_INVALID'],
    ['a licence of the root', { issuing: { ...root, kid: issuing.kid } }, 'LIC_SIG_INVALID'],
    ['a keyset of another root', { root: impostor(root, 'root') }, 'LIC_SIG_INVALID'],
    [
      'a keyset and a licence of others',
      { root: impostor(root, 'root'), issuing: impostor(issuing, 'licence') },
      'LIC_SIG_INVALID',
    ],
    ['another node', { licence: { aud: nodeAudience(other.identity.nodeId) } }, 'LIC_WRONG_NODE'],
    ['a lower number', { licence: { seq: 3 } }, 'LIC_SEQ_OLD'],
    ['an older keyset', { keyset: { version: 3 } }, 'LIC_SIG_INVALID'],
    ['an ended keyset', { keyset: { exp: nowS - 3600 } }, 'LIC_SIG_INVALID'],
    ['an ended licence', { licence: { exp: nowS - 3600 } }, 'LIC_EXPIRED'],
    ['a licence that our clock takes for one of tomorrow', { licence: { nbf: nowS + 7200 } }, 'LIC_SIG_INVALID'],
    ['a document for everybody', { licence: { aud: anyNode, iss: licenseService } }, 'LIC_WRONG_NODE'],
  ];
  for (const [title, change, code] of forged) {
    body = await answer(change);
    await refused(title, code);
  }
  const genuine = await answer({});
  const others: [string, number, string, string][] = [
    ['a sign-in page', 200, '<h1>Wi-Fi</h1>', 'UNAVAILABLE'],
    ['an answer without a keyset', 200, '{"licence":"a.b.c"}', 'UNAVAILABLE'],
    ['genuine documents and 100 KB of nothing', 200, genuine + ' '.repeat(100_000), 'UNAVAILABLE'],
    ['a redirect to genuine documents', 307, genuine, 'UNAVAILABLE'],
    ['a failure with genuine documents', 500, genuine, 'UNAVAILABLE'],
    ['a refusal', 403, '{"code":"NODE_BANNED","detail":"Suspended."}', 'NODE_BANNED'],
  ];
  for (const [title, ...answered] of others) {
    let code: string;
    [status, body, code] = answered;
    await refused(title, code);
  }

  [status, body] = [200, genuine];
  await startRenewal(stack, node, { url }).waitMs();
  t.is(installedIn(nodeDir).seq, 5, 'the same server with genuine documents is believed');
  t.like(await node.reader.read(Date.now()), { state: 'active' });
});

test.serial('a lost or broken licence is fetched at once; without the pinned roots nobody is believed', async (t) => {
  await using stack = new AsyncDisposableStack();
  const node = await createLicensedNode(stack, 25 * hourMs);
  await node.start();
  const at = (name: keyof typeof nodeFiles): string => join(node.nodeDir, nodeFiles[name]);
  const roots = await readFile(at('roots'), 'utf8');
  rmSync(at('roots'));
  const before = contentOf(node.nodeDir);
  const it = startRenewal(stack, node);
  await it.waitMs();
  t.regex(String(it.warnings[0]), /roots\.json is missing or broken/);
  t.deepEqual(contentOf(node.nodeDir), before);
  await writeFile(at('roots'), roots);

  const losses: [string, () => unknown][] = [
    ['no licence', () => rmSync(at('licence'))],
    ['a broken licence', () => writeFile(at('licence'), 'not.a.jws')],
    ['no keyset', () => rmSync(at('keyset'))],
  ];
  for (const [title, lose] of losses) {
    await lose();
    await using once = new AsyncDisposableStack();
    const next = startRenewal(once, node);
    await next.waitMs();
    t.deepEqual(next.warnings, [], title);
    t.like(await node.reader.read(Date.now()), { state: 'active' }, title);
  }
  rmSync(at('licence'));
  await mkdir(at('licence'));
  const unreadable = startRenewal(stack, node);
  t.is(await unreadable.waitMs(), hourMs, 'files that cannot be read are looked at each hour, not in a loop');
  t.like(unreadable.warnings[0], { code: 'EISDIR' } as object);
});

test.serial('disposing ends a check-in that nobody answers, quietly', async (t) => {
  await using stack = new AsyncDisposableStack();
  const node = await createLicensedNode(stack, 25 * hourMs);
  const asked = Promise.withResolvers<void>();
  const url = await startServer(stack, () => asked.resolve());
  const it = startRenewal(stack, node, { url });
  await asked.promise;
  const begin = performance.now();
  await it.renewal[Symbol.asyncDispose]();
  t.true(performance.now() - begin < 1000);
  t.deepEqual([it.warnings, it.news], [[], []]);
});
