import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { verifyKeyset, verifyLicence } from '@sgp/auth/licence';
import { readNodeIdentity, readNodeKey } from '@sgp/auth/node-identity';
import { rootsSchema } from '@sgp/shared/api/licensing';
import test, { type ExecutionContext } from 'ava';

const enrolMain = join(import.meta.dirname, '../src/enrol/main.ts');
const licenseMain = join(import.meta.dirname, '../../license/src/main.ts');
const token = 'token-token-token-token-token-token-token';

function temporaryDir(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sgp-enrol-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The real license service, with a shop and a way to make codes for it. */
async function startLicense(t: ExecutionContext): Promise<{ readonly url: string; code(): Promise<string> }> {
  const dir = temporaryDir(t);
  for (const name of ['admin', 'service']) writeFileSync(join(dir, name), token);
  const child = spawn(process.execPath, [licenseMain], {
    env: {
      PORT: '0',
      LICENSE_DB_URL: `sqlite:${join(dir, 'license.db')}`,
      KEYS_DIR: join(dir, 'keys'),
      ADMIN_TOKEN_FILE: join(dir, 'admin'),
      SERVICE_TOKEN_FILE: join(dir, 'service'),
      MIRROR_URL: 'http://127.0.0.1:7001',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as { msg?: string; url?: string };
      if (entry.msg === 'listening') resolve(String(entry.url));
    });
    child.once('exit', (code) => reject(new Error(`the license service ended with ${code}`)));
  });
  const post = async <T>(path: string, body: object): Promise<T> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const response = await fetch(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as T;
  };
  const { companyId } = await post<{ companyId: string }>('/v1/companies', { name: 'Ateliê Aurora' });
  const path = `/v1/companies/${companyId}/establishments`;
  const { establishmentId } = await post<{ establishmentId: string }>(path, { name: 'Matriz', slug: 'matriz' });
  const codes = `/v1/establishments/${establishmentId}/enrolment-codes`;
  return { url, code: async () => (await post<{ code: string }>(codes, {})).code };
}

type Outcome = { readonly exitCode: number; readonly output: string };

async function enrol(env: { NODE_DIR?: string; LICENSE_URL?: string; ENROL_CODE?: string }): Promise<Outcome> {
  const child = spawn(process.execPath, [enrolMain], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  const [exitCode] = await once(child, 'close');
  return { exitCode, output };
}

/** Every failure ends with 2 and says what to do in one line. */
function refused(t: ExecutionContext, { exitCode, output }: Outcome, sentence: RegExp): void {
  t.is(exitCode, 2, output);
  t.is(output.trim().split('\n').length, 1, output);
  t.regex(output, sentence);
}

test.serial(
  'a node enrols once: identity, key, licence and trust are in its folder, for its owner alone',
  async (t) => {
    const license = await startLicense(t);
    const nodeDir = join(temporaryDir(t), 'edge', 'node');
    const env = { NODE_DIR: nodeDir, LICENSE_URL: license.url, ENROL_CODE: await license.code() };
    const first = await enrol(env);
    t.deepEqual(first, { exitCode: 0, output: 'This node is enrolled, for Matriz.\n' });
    const files = ['identity.json', 'key.jwk', 'keyset.jws', 'licence.jws', 'node-id', 'roots.json'];
    t.deepEqual(readdirSync(nodeDir).toSorted(), files);
    if (process.platform !== 'win32')
      for (const name of files) t.is(statSync(join(nodeDir, name)).mode & 0o777, 0o600, name);
    const identity = readNodeIdentity(nodeDir);
    t.like(identity, {
      est: 'matriz',
      shopName: 'Matriz',
      timeZone: 'America/Sao_Paulo',
      mirrorUrl: 'http://127.0.0.1:7001',
    });
    t.false(readFileSync(join(nodeDir, 'identity.json'), 'utf8').includes(readNodeKey(nodeDir).d));
    const read = (name: string): string => readFileSync(join(nodeDir, name), 'utf8');
    const keyset = await verifyKeyset(read('keyset.jws'), rootsSchema.parse(JSON.parse(read('roots.json'))));
    const claims = await verifyLicence(read('licence.jws'), keyset, { nodeId: identity.nodeId, nowMs: Date.now() });
    t.is(claims.est, identity.establishmentId);

    const before = files.map(read);
    const again = await enrol({ NODE_DIR: nodeDir });
    t.deepEqual(again, { exitCode: 0, output: 'This node was enrolled before, for Matriz.\n' });
    t.deepEqual(files.map(read), before, 'a repeat changes nothing and needs no service');
  },
);

test.serial('a run that died before it wrote the identity is repeated with the same id, key and code', async (t) => {
  const license = await startLicense(t);
  const nodeDir = temporaryDir(t);
  const env = { NODE_DIR: nodeDir, LICENSE_URL: license.url, ENROL_CODE: await license.code() };
  t.is((await enrol(env)).exitCode, 0);
  const before = readNodeIdentity(nodeDir);
  rmSync(join(nodeDir, 'identity.json'));
  t.is((await enrol(env)).exitCode, 0);
  const after = readNodeIdentity(nodeDir);
  t.is(after.nodeId, before.nodeId);
  t.is(after.shortId, before.shortId);
  t.is(after.keyId, before.keyId);
});

test.serial('of two nodes that use one code at once one is enrolled and the other told why not', async (t) => {
  const license = await startLicense(t);
  const code = await license.code();
  const run = (): Promise<Outcome> => enrol({ NODE_DIR: temporaryDir(t), LICENSE_URL: license.url, ENROL_CODE: code });
  const outcomes = await Promise.all([run(), run()]);
  const failed = outcomes.filter(({ exitCode }) => exitCode !== 0);
  t.is(failed.length, 1);
  refused(t, failed[0] as Outcome, /used already: ask for a new one/);
});

test.serial('each failure says in one sentence what to do, and the node can enrol afterwards', async (t) => {
  const license = await startLicense(t);
  const nodeDir = temporaryDir(t);
  const env = { NODE_DIR: nodeDir, LICENSE_URL: license.url };
  refused(t, await enrol({}), /NODE_DIR/);
  refused(t, await enrol({ NODE_DIR: nodeDir }), /set LICENSE_URL and ENROL_CODE/);
  refused(t, await enrol({ ...env, LICENSE_URL: 'nonsense', ENROL_CODE: 'X' }), /LICENSE_URL/);
  refused(t, await enrol({ ...env, ENROL_CODE: 'AAAA-BBBB-CCCC-DDDD' }), /code is wrong: check what was typed/);
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const nobody = `http://127.0.0.1:${port}`;
  refused(t, await enrol({ ...env, LICENSE_URL: nobody, ENROL_CODE: 'X' }), /not reachable \(ECONNREFUSED\)/);
  t.is((await enrol({ ...env, ENROL_CODE: await license.code() })).exitCode, 0);
});

test.serial('a server that is no license service, or redirects, gets neither code nor identity', async (t) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    if (request.headers.host?.startsWith('localhost')) response.writeHead(307, { location: 'http://127.0.0.1:9/' });
    response.end('<h1>hello</h1>');
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const nodeDir = temporaryDir(t);
  const env = { NODE_DIR: nodeDir, ENROL_CODE: 'AAAA-BBBB-CCCC-DDDD' };
  refused(t, await enrol({ ...env, LICENSE_URL: `http://127.0.0.1:${port}` }), /not as a license service/);
  refused(t, await enrol({ ...env, LICENSE_URL: `http://localhost:${port}` }), /not reachable/);
  t.deepEqual(new Set(seen), new Set(['/.well-known/sgp-roots']));
  t.false(readdirSync(nodeDir).includes('identity.json'));
});

test.serial('enrol/mitm: with roots put there beforehand, another license service is not believed', async (t) => {
  const [genuine, impostor] = [await startLicense(t), await startLicense(t)];
  const nodeDir = temporaryDir(t);
  const roots = await (await fetch(new URL('/.well-known/sgp-roots', genuine.url))).text();
  writeFileSync(join(nodeDir, 'roots.json'), roots);
  const wrong = { NODE_DIR: nodeDir, LICENSE_URL: impostor.url, ENROL_CODE: await impostor.code() };
  refused(t, await enrol(wrong), /cannot verify \(LIC_SIG_INVALID\)/);
  t.false(readdirSync(nodeDir).includes('identity.json'));
  const right = { NODE_DIR: nodeDir, LICENSE_URL: genuine.url, ENROL_CODE: await genuine.code() };
  t.is((await enrol(right)).exitCode, 0);
});

test.serial('a folder that cannot be written and files that are broken are told', async (t) => {
  const dir = temporaryDir(t);
  const env = { LICENSE_URL: 'http://127.0.0.1:9', ENROL_CODE: 'X' };
  writeFileSync(join(dir, 'file'), '');
  refused(t, await enrol({ ...env, NODE_DIR: join(dir, 'file', 'node') }), /cannot be (written|read) \(ENOTDIR\)/);
  mkdirSync(join(dir, 'broken'));
  writeFileSync(join(dir, 'broken', 'key.jwk'), '{}');
  refused(t, await enrol({ ...env, NODE_DIR: join(dir, 'broken') }), /is broken: restore them/);
  writeFileSync(join(dir, 'broken', 'identity.json'), '{}');
  refused(t, await enrol({ ...env, NODE_DIR: join(dir, 'broken') }), /identity.json cannot be read \(it is broken\)/);
});
