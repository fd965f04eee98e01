import { createRequestSigner } from '@sgp/auth/http-signature';
import { verifyKeyset, verifyLicence } from '@sgp/auth/licence';
import { type Enrolled, enrolledSchema, nodeRecordSchema, rootsSchema } from '@sgp/shared/api/licensing';
import test from 'ava';
import { createCode, normaliseCode } from '../src/enrolment/code.ts';
import {
  type Answer,
  addCode,
  addShop,
  adminToken,
  authority,
  type Client,
  enrolRequest,
  mirrorUrl,
  newNode,
  serviceToken,
  startLicense,
  type TestNode,
  wrongCode,
} from './support/license.ts';

const enrol = async (client: Client, code: string, node: TestNode): Promise<Answer> =>
  client.call('POST', '/v1/enrol', { json: await enrolRequest(code, node) });

async function enrolledNode(client: Client): Promise<{ node: TestNode; enrolled: Enrolled }> {
  const node = newNode();
  const answer = await enrol(client, await addCode(client, await addShop(client)), node);
  return { node, enrolled: enrolledSchema.parse(answer.body) };
}

async function checkin(
  client: Client,
  { node, enrolled }: { node: TestNode; enrolled: Enrolled },
  change: { nowMs: number; headers?: Record<string, string>; tag?: 'media-push/1' },
): Promise<Answer> {
  const signer = createRequestSigner({
    shortId: enrolled.shortId,
    apiKey: enrolled.apiKey,
    keyId: enrolled.keyId,
    privateJwk: node.key,
    authority,
    tag: change.tag ?? 'checkin/1',
  });
  const headers = await signer.sign({
    method: 'POST',
    path: '/v1/checkin',
    contentType: 'application/json',
    body: Buffer.from('{}'),
    idempotencyKey: '0198c4a2-7b1e-7c3d-8e4f-0123456789ab',
    nowMs: change.nowMs,
  });
  return client.call('POST', '/v1/checkin', { json: {}, headers: { ...headers, ...change.headers } });
}

test('a node enrols with a code and gets an identity and a licence that it can verify by itself', async (t) => {
  const client = await startLicense(t);
  const { node, enrolled } = await enrolledNode(client);
  t.is(enrolled.nodeId, node.nodeId);
  t.regex(enrolled.apiKey, new RegExp(`^npk_live_${enrolled.shortId}_[A-Za-z0-9_-]{43}$`));
  t.regex(enrolled.keyId, /^nk_/);
  t.is(enrolled.mirrorUrl, mirrorUrl);
  t.like(enrolled.establishment, { slug: 'matriz', timeZone: 'America/Sao_Paulo' });
  const roots = rootsSchema.parse((await client.call('GET', '/.well-known/sgp-roots')).body);
  t.is(roots.keys.length, 2);
  const keyset = await verifyKeyset(enrolled.keyset, roots);
  t.regex(keyset.keys[0]?.kid ?? '', /^lic-\d{6}-[A-Za-z0-9_-]{8}$/);
  const claims = await verifyLicence(enrolled.licence, keyset, { nodeId: node.nodeId, nowMs: client.clock.ms });
  t.like(claims, {
    seq: 1,
    plan: 'standard',
    env: 'live',
    company_name: 'Ateliê Aurora',
    tid: enrolled.company.companyId,
  });
  t.is(claims.exp - claims.iat, 30 * 86_400);
  t.is(claims.grace_until - claims.exp, 14 * 86_400);
});

test('the keyset at its address is the one that nodes get', async (t) => {
  const client = await startLicense(t);
  const { enrolled } = await enrolledNode(client);
  const response = await fetch(new URL('/.well-known/sgp-keyset', client.url));
  t.is(response.headers.get('content-type'), 'application/jose');
  t.is(await response.text(), enrolled.keyset);
});

test('enrol/reuse-parallel: of 10 nodes with one code exactly one is enrolled', async (t) => {
  const client = await startLicense(t);
  const code = await addCode(client, await addShop(client));
  const answers = await Promise.all(Array.from({ length: 10 }, () => enrol(client, code, newNode())));
  t.is(answers.filter(({ status }) => status === 201).length, 1);
  t.deepEqual(
    answers.filter(({ status }) => status !== 201).map(({ status, body }) => `${status} ${body.code}`),
    Array(9).fill('410 ENROL_CODE_USED'),
  );
});

test('a node whose answer was lost repeats the call with its key and is the same node', async (t) => {
  const client = await startLicense(t);
  const code = await addCode(client, await addShop(client));
  const node = newNode();
  const first = enrolledSchema.parse((await enrol(client, code, node)).body);
  const second = enrolledSchema.parse((await enrol(client, code, node)).body);
  t.is(second.shortId, first.shortId);
  t.is(second.licence, first.licence);
  t.not(second.apiKey, first.apiKey);
  for (const enrolled of [first, second])
    t.is((await checkin(client, { node, enrolled }, { nowMs: client.clock.ms })).status, 200);
});

test('enrol/expired: a code is refused after 24 hours', async (t) => {
  const client = await startLicense(t);
  const code = await addCode(client, await addShop(client));
  client.clock.ms += 86_400_000;
  t.like(await enrol(client, code, newNode()), { status: 410, body: { code: 'ENROL_CODE_EXPIRED' } });
});

test('enrol/no-pop: without the key that it names nobody enrols, and after 5 tries the code is dead', async (t) => {
  const client = await startLicense(t);
  const code = await addCode(client, await addShop(client));
  const node = newNode();
  for (let i = 0; i < 5; i += 1) {
    const json = await enrolRequest(code, node, newNode().key);
    t.like(await client.call('POST', '/v1/enrol', { json }), { status: 401, body: { code: 'SIG_INVALID' } });
  }
  t.like(await enrol(client, code, node), { status: 410, body: { code: 'ENROL_CODE_EXPIRED' } });
});

test('a proof made for another code or another node is refused', async (t) => {
  const client = await startLicense(t);
  const shop = await addShop(client);
  const [code, other] = [await addCode(client, shop), await addCode(client, shop)];
  const node = newNode();
  const { proof } = await enrolRequest(other, node);
  const wrongCodeProof = { ...(await enrolRequest(code, node)), proof };
  t.like(await client.call('POST', '/v1/enrol', { json: wrongCodeProof }), { body: { code: 'SIG_INVALID' } });
  const wrongNode = { ...(await enrolRequest(code, node)), nodeId: newNode().nodeId };
  t.like(await client.call('POST', '/v1/enrol', { json: wrongNode }), { body: { code: 'SIG_INVALID' } });
});

test('guessing codes is refused, and after 20 failures the address has to wait an hour', async (t) => {
  const client = await startLicense(t);
  const code = await addCode(client, await addShop(client));
  for (let i = 0; i < 20; i += 1)
    t.like(await enrol(client, wrongCode(), newNode()), { status: 422, body: { code: 'ENROL_CODE_INVALID' } });
  t.like(await enrol(client, code, newNode()), { status: 429, body: { code: 'RATE_LIMITED' } });
  client.clock.ms += 3_600_000;
  t.is((await enrol(client, code, newNode())).status, 201);
});

test('a code is told once, and neither it nor an API key is in the database', async (t) => {
  const client = await startLicense(t);
  const code = await addCode(client, await addShop(client));
  t.regex(code, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  const { apiKey } = enrolledSchema.parse((await enrol(client, code, newNode())).body);
  const tables = [
    'companies',
    'establishments',
    'enrolment_codes',
    'nodes',
    'node_keys',
    'api_keys',
    'licences',
    'nonces',
  ];
  const content = JSON.stringify(await Promise.all(tables.map((table) => client.db(table))));
  for (const secret of [code, normaliseCode(code), apiKey, apiKey.slice(-43)]) t.false(content.includes(secret));
});

test('a code is the same in small letters, with spaces, and with O and I for 0 and 1', (t) => {
  t.is(normaliseCode(' 7k3m q9zx-oaib-cdel '), '7K3MQ9ZX0A1BCDE1');
  for (let i = 0; i < 100; i += 1) t.regex(normaliseCode(createCode()), /^[0-9A-HJKMNP-TV-Z]{16}$/);
});

test('the mirror gets what it needs to judge a node, with its token alone', async (t) => {
  const client = await startLicense(t);
  const { node, enrolled } = await enrolledNode(client);
  const path = `/v1/nodes/${enrolled.shortId}`;
  const record = nodeRecordSchema.parse((await client.call('GET', path, { token: serviceToken })).body);
  t.like(record, { nodeId: node.nodeId, status: 'active', licenceActive: true, companyId: enrolled.company.companyId });
  t.is(record.keys[0]?.publicJwk.x, node.key.x);
  for (const token of [undefined, '', adminToken, `${serviceToken}x`])
    t.like(await client.call('GET', path, token === undefined ? {} : { token }), { status: 401 });
  t.like(await client.call('GET', '/v1/nodes/zzzzzzzzzzzz', { token: serviceToken }), { status: 404 });
});

test('a contract that ended restricts its node, after the margin and the grace', async (t) => {
  const client = await startLicense(t);
  const { enrolled } = await enrolledNode(client);
  await client.db('establishments').update({ paid_until: client.clock.ms });
  const active = async (): Promise<boolean> =>
    nodeRecordSchema.parse((await client.call('GET', `/v1/nodes/${enrolled.shortId}`, { token: serviceToken })).body)
      .licenceActive;
  client.clock.ms += 28 * 86_400_000 - 1;
  t.true(await active());
  client.clock.ms += 1;
  t.false(await active());
});

test('the vendor’s addresses need the vendor’s token', async (t) => {
  const client = await startLicense(t);
  const { companyId, establishmentId } = await addShop(client);
  const paths = [
    '/v1/companies',
    `/v1/companies/${companyId}/establishments`,
    `/v1/establishments/${establishmentId}/enrolment-codes`,
  ];
  for (const path of paths)
    for (const options of [{ json: {} }, { json: {}, token: '' }, { json: {}, token: serviceToken }])
      t.like(await client.call('POST', path, options), { status: 401, body: { code: 'TOKEN_INVALID' } });
});

test('an unknown company, a slug that is taken and a time zone that does not exist are refused', async (t) => {
  const client = await startLicense(t);
  const { companyId, establishmentId } = await addShop(client);
  const add = (id: string, json: object): Promise<Answer> =>
    client.call('POST', `/v1/companies/${id}/establishments`, { token: adminToken, json });
  t.like(await add(establishmentId, { name: 'B', slug: 'b' }), { status: 404 });
  t.like(await add(companyId, { name: 'B', slug: 'matriz' }), { status: 409, body: { code: 'ALREADY_EXISTS' } });
  t.like(await add(companyId, { name: 'B', slug: 'b', timeZone: 'Mars/Olympus' }), { status: 422 });
  const code = `/v1/establishments/${companyId}/enrolment-codes`;
  t.like(await client.call('POST', code, { token: adminToken }), { status: 404 });
});

test('a check-in renews a licence that is older than a day, and no younger one', async (t) => {
  const client = await startLicense(t);
  const it = await enrolledNode(client);
  const again = async (): Promise<string> => {
    const { status, body } = await checkin(client, it, { nowMs: client.clock.ms });
    t.is(status, 200);
    return (body as unknown as { licence: string }).licence;
  };
  t.is(await again(), it.enrolled.licence);
  client.clock.ms += 86_400_000;
  const renewed = await Promise.all([again(), again(), again()]);
  t.is(new Set(renewed).size, 1, 'check-ins at once get one licence');
  const roots = rootsSchema.parse((await client.call('GET', '/.well-known/sgp-roots')).body);
  const keyset = await verifyKeyset(it.enrolled.keyset, roots);
  const node = { nodeId: it.node.nodeId, nowMs: client.clock.ms };
  const [before, after] = await Promise.all(
    [it.enrolled.licence, renewed[0] ?? ''].map((jws) => verifyLicence(jws, keyset, node)),
  );
  t.is(after?.seq, 2);
  t.is(after?.sub, before?.sub);
  t.is((after?.exp ?? 0) - (before?.exp ?? 0), 86_400);
});

test('a check-in must be signed by its node, for this purpose, and only once', async (t) => {
  const client = await startLicense(t);
  const [one, other] = [await enrolledNode(client), await enrolledNode(client)];
  const { ms: nowMs } = client.clock;
  const apiKey = { 'x-api-key': one.enrolled.apiKey };
  const code = async (answer: Promise<Answer>): Promise<string | undefined> => (await answer).body.code;
  t.is(await code(client.call('POST', '/v1/checkin', { json: {} })), 'APIKEY_INVALID');
  t.is(await code(client.call('POST', '/v1/checkin', { json: {}, headers: apiKey })), 'SIG_MISSING');
  const wrongSecret = { 'x-api-key': `npk_live_${one.enrolled.shortId}_${'A'.repeat(43)}` };
  t.is(await code(checkin(client, one, { nowMs, headers: wrongSecret })), 'APIKEY_INVALID');
  t.is(
    await code(checkin(client, other, { nowMs, headers: apiKey })),
    'SIG_KEY_UNKNOWN',
    'key of one, signature of other',
  );
  const mixed = { node: one.node, enrolled: { ...one.enrolled, shortId: other.enrolled.shortId } };
  t.is(await code(checkin(client, mixed, { nowMs })), 'TENANT_MISMATCH');
  t.is(await code(checkin(client, one, { nowMs, tag: 'media-push/1' })), 'SIG_POLICY');
  t.is(await code(checkin(client, one, { nowMs: nowMs - 86_400_000 })), 'SIG_CLOCK_SKEW');
  t.is((await client.db('nonces')).length, 0, 'what was refused left no nonce');
  const headers = await createRequestSigner({
    ...one.enrolled,
    privateJwk: one.node.key,
    authority,
    tag: 'checkin/1',
  }).sign({
    method: 'POST',
    path: '/v1/checkin',
    contentType: 'application/json',
    body: Buffer.from('{}'),
    idempotencyKey: 'i'.repeat(22),
    nowMs,
  });
  const replays = await Promise.all(
    Array.from({ length: 10 }, () => client.call('POST', '/v1/checkin', { json: {}, headers })),
  );
  t.is(replays.filter(({ status }) => status === 200).length, 1);
  t.is(replays.filter(({ body }) => body.code === 'SIG_REPLAY').length, 9);
});

test('a banned node is refused', async (t) => {
  const client = await startLicense(t);
  const it = await enrolledNode(client);
  await client.db('nodes').update({ status: 'banned' });
  t.like(await checkin(client, it, { nowMs: client.clock.ms }), { status: 403, body: { code: 'NODE_BANNED' } });
});

test('an address with 60 wrong API keys has to wait', async (t) => {
  const client = await startLicense(t);
  const it = await enrolledNode(client);
  for (let i = 0; i < 60; i += 1) await client.call('POST', '/v1/checkin', { json: {}, headers: { 'x-api-key': 'x' } });
  t.like(await checkin(client, it, { nowMs: client.clock.ms }), { status: 429, body: { code: 'RATE_LIMITED' } });
  client.clock.ms += 600_000;
  t.is((await checkin(client, it, { nowMs: client.clock.ms })).status, 200);
});
