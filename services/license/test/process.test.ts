import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyKeyset, verifyLicence } from '@sgp/auth/licence';
import { enrolledSchema, rootsSchema } from '@sgp/shared/api/licensing';
import test from 'ava';
import {
  addCode,
  addShop,
  createClient,
  enrolRequest,
  newNode,
  serviceToken,
  temporaryDir,
} from './support/license.ts';
import { licenseEnvironment, runProcess, startProcess } from './support/license-process.ts';

test.serial('after kill -9 what was issued stands: keys, nodes, codes and licences', async (t) => {
  const env = licenseEnvironment(temporaryDir(t));
  const first = await startProcess(t, env);
  const client = createClient(first.url);
  const shop = await addShop(client);
  const [used, unused] = [await addCode(client, shop), await addCode(client, shop)];
  const node = newNode();
  const enrolled = enrolledSchema.parse(
    (await client.call('POST', '/v1/enrol', { json: await enrolRequest(used, node) })).body,
  );
  const roots = (await client.call('GET', '/.well-known/sgp-roots')).body;
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const after = createClient((await startProcess(t, env)).url);
  t.deepEqual((await after.call('GET', '/.well-known/sgp-roots')).body, roots);
  t.like(await after.call('GET', `/v1/nodes/${enrolled.shortId}`, { token: serviceToken }), {
    status: 200,
    body: { nodeId: node.nodeId } as never,
  });
  const reuse = { json: await enrolRequest(used, newNode()) };
  t.like(await after.call('POST', '/v1/enrol', reuse), { status: 410, body: { code: 'ENROL_CODE_USED' } });
  const second = newNode();
  const next = enrolledSchema.parse(
    (await after.call('POST', '/v1/enrol', { json: await enrolRequest(unused, second) })).body,
  );
  const keyset = await verifyKeyset(enrolled.keyset, rootsSchema.parse(roots));
  const claims = await verifyLicence(next.licence, keyset, { nodeId: second.nodeId, nowMs: Date.now() });
  t.is(claims.seq, 1, 'the keyset of before verifies what is issued after');
});

test.serial('no code, key or token reaches the log, and it stops within three seconds', async (t) => {
  const it = await startProcess(t, { ...licenseEnvironment(temporaryDir(t)), LOG_LEVEL: 'trace' });
  const client = createClient(it.url);
  const code = await addCode(client, await addShop(client));
  const node = newNode();
  const { apiKey } = enrolledSchema.parse(
    (await client.call('POST', '/v1/enrol', { json: await enrolRequest(code, node) })).body,
  );
  await client.call('GET', '/v1/nodes/x', { token: `${serviceToken}x` });
  const stoppedAt = performance.now();
  it.child.kill('SIGTERM');
  t.deepEqual(await once(it.child, 'exit'), [0, null]);
  t.true(performance.now() - stoppedAt < 3000);
  t.true(it.log.length >= 2);
  for (const secret of [code, apiKey, apiKey.slice(-43), serviceToken, node.key.d])
    t.false(it.log.some((line) => line.includes(secret)));
});

test.serial('wrong settings end it with 2 and one sentence', async (t) => {
  const dir = temporaryDir(t);
  const env = licenseEnvironment(dir);
  writeFileSync(join(dir, 'short'), 'short');
  const cases: [Record<string, string>, RegExp][] = [
    [{ ...env, MIRROR_URL: '' }, /MIRROR_URL/],
    [{ ...env, ADMIN_TOKEN_FILE: join(dir, 'none') }, /cannot be read \(ENOENT\)/],
    [{ ...env, SERVICE_TOKEN_FILE: join(dir, 'short') }, /too short/],
  ];
  for (const [wrong, sentence] of cases) {
    const { exitCode, output } = await runProcess(wrong);
    t.is(exitCode, 2);
    t.is(output.trim().split('\n').length, 1);
    t.regex(output, sentence);
  }
});

test.serial('without the keys that licences were issued with it does not start', async (t) => {
  const dir = temporaryDir(t);
  const env = licenseEnvironment(dir);
  const it = await startProcess(t, env);
  const client = createClient(it.url);
  const json = await enrolRequest(await addCode(client, await addShop(client)), newNode());
  t.is((await client.call('POST', '/v1/enrol', { json })).status, 201);
  it.child.kill('SIGTERM');
  await once(it.child, 'exit');
  rmSync(join(dir, 'keys'), { recursive: true });
  const { exitCode, output } = await runProcess(env);
  t.is(exitCode, 2);
  t.regex(output, /restore .* from the backup/);
});

test.serial('it tells that it lives and can work, and a stranger’s proxy sees no metrics', async (t) => {
  const { url } = await startProcess(t, licenseEnvironment(temporaryDir(t)));
  for (const path of ['/healthz', '/readyz', '/metrics']) t.is((await fetch(new URL(path, url))).status, 200, path);
  const forwarded = await fetch(new URL('/metrics', url), { headers: { 'x-forwarded-for': '10.0.0.9' } });
  t.is(forwarded.status, 404);
});
