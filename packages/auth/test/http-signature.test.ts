import { contentDigest } from '@sgp/auth/digest';
import type { SignedRequest } from '@sgp/auth/http-signature';
import test from 'ava';
import {
  authority,
  body,
  codeOf,
  forge,
  goodComponents,
  goodParameters,
  idempotencyKey,
  newKey,
  nowMs,
  path,
  signedPush,
  toRaw,
  verify,
} from './support/signed-request.ts';

const withHeader = (request: SignedRequest, name: string, value: string): SignedRequest => ({
  ...request,
  rawHeaders: request.rawHeaders.map((each, i) => (i % 2 === 1 && request.rawHeaders[i - 1] === name ? value : each)),
});
const addHeader = (request: SignedRequest, name: string, value: string): SignedRequest => ({
  ...request,
  rawHeaders: [...request.rawHeaders, name, value],
});
const dropHeaders = (request: SignedRequest, ...names: string[]): SignedRequest => ({
  ...request,
  rawHeaders: request.rawHeaders.filter((_, i, all) => !names.includes(all[i - (i % 2)] ?? '')),
});
const headerOf = (request: SignedRequest, name: string): string =>
  request.rawHeaders[request.rawHeaders.indexOf(name) + 1] ?? '';
const replaceParameter = (name: string, value: string | undefined): string[] =>
  goodParameters.flatMap((each) => (each.startsWith(`${name}=`) ? (value === undefined ? [] : [value]) : [each]));
const nowS = Math.floor(nowMs / 1000);

test('a signed push verifies, and what it covers is told without any secret', async (t) => {
  const request = await signedPush();
  const verified = await verify(request);
  t.is(verified.keyId, 'nk_one');
  t.regex(verified.nonce, /^[A-Za-z0-9_-]{22}$/);
  t.is(verified.expiresS - verified.createdS, 300);
  t.deepEqual(verified.covered, {
    '@method': 'POST',
    '@authority': authority,
    '@path': path,
    '@query': '?',
    'content-type': 'application/json',
    'content-digest': contentDigest(body),
    'x-node-id': 'abcdefgh2345',
    'idempotency-key': idempotencyKey,
  });
  t.false(JSON.stringify(verified).includes('npk_live'));
  t.true(request.headers['x-api-key']?.startsWith('npk_live_'));
});

test('a compressed push covers its content-encoding', async (t) => {
  const verified = await verify(await signedPush({ gzip: true }));
  t.is(verified.covered['content-encoding'], 'gzip');
});

test('an empty body and any bytes verify', async (t) => {
  t.is(await codeOf(verify(await signedPush({ body: new Uint8Array() }))), 'accepted');
  t.is(await codeOf(verify(await signedPush({ body: Buffer.from([0, 255, 13, 10, 128]) }))), 'accepted');
});

test('each signature has a nonce of its own', async (t) => {
  const requests = await Promise.all(Array.from({ length: 20 }, async () => verify(await signedPush())));
  t.is(new Set(requests.map(({ nonce }) => nonce)).size, 20);
});

test('the hand-made signature of these tests is accepted when nothing is wrong with it', async (t) => {
  t.is(await codeOf(verify(forge())), 'accepted');
});

test('another value of any covered component is refused', async (t) => {
  const request = await signedPush({ gzip: true });
  const changed: Record<string, SignedRequest> = {
    '@method': { ...request, method: 'PUT' },
    '@path': { ...request, path: '/internal/sync/pedidoz' },
    'content-type': withHeader(request, 'content-type', 'text/plain'),
    'content-encoding': withHeader(request, 'content-encoding', 'br'),
    'x-node-id': withHeader(request, 'x-node-id', 'abcdefgh2346'),
    'idempotency-key': withHeader(request, 'idempotency-key', `${idempotencyKey.slice(0, -1)}c`),
  };
  for (const [component, each] of Object.entries(changed)) t.is(await codeOf(verify(each)), 'SIG_INVALID', component);
  t.is(await codeOf(verify(request, { authority: 'other.example:7001' })), 'SIG_INVALID', '@authority');
  t.is(await codeOf(verify(withHeader(request, 'content-digest', contentDigest(Buffer.from('x'))))), 'DIGEST_MISMATCH');
});

test('a Host header changes nothing: the authority comes from the configuration', async (t) => {
  t.is(await codeOf(verify(addHeader(await signedPush(), 'host', 'evil.example'))), 'accepted');
});

test('a query string is refused, whatever is signed', async (t) => {
  t.is(await codeOf(verify({ ...(await signedPush()), query: 'a=1' })), 'SIG_QUERY_FORBIDDEN');
});

test('another body is refused, also with a digest that fits it', async (t) => {
  const request = await signedPush();
  const other = Buffer.from('{"changes":[1]}');
  t.is(await codeOf(verify({ ...request, body: other })), 'DIGEST_MISMATCH');
  const refitted = withHeader({ ...request, body: other }, 'content-digest', contentDigest(other));
  t.is(await codeOf(verify(refitted)), 'SIG_INVALID');
});

test('a digest by another algorithm, two digests, or none are refused', async (t) => {
  const request = await signedPush();
  t.is(await codeOf(verify(withHeader(request, 'content-digest', 'sha-512=:AAAA:'))), 'DIGEST_MISMATCH');
  t.is(
    await codeOf(verify(withHeader(request, 'content-digest', `${contentDigest(body)}, sha-512=:AAAA:`))),
    'DIGEST_MISMATCH',
  );
  t.is(await codeOf(verify(dropHeaders(request, 'content-digest'))), 'SIG_POLICY');
});

test('every bit of the signature counts', async (t) => {
  const request = await signedPush();
  const bytes = Buffer.from(headerOf(request, 'signature').slice('sig1=:'.length, -1), 'base64');
  for (let i = 0; i < bytes.length; i += 1) {
    const flipped = Buffer.from(bytes);
    flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
    const each = withHeader(request, 'signature', `sig1=:${flipped.toString('base64')}:`);
    t.is(await codeOf(verify(each)), 'SIG_INVALID', `byte ${i}`);
  }
});

test('a signature by another key, or by a key that is not of this node, is refused', async (t) => {
  const other = newKey();
  t.is(await codeOf(verify(await signedPush({ key: other }))), 'SIG_INVALID');
  t.is(await codeOf(verify(await signedPush({ key: other, keyId: 'nk_other' }))), 'SIG_KEY_UNKNOWN');
});

test('a signature for another protocol is refused', async (t) => {
  t.is(await codeOf(verify(await signedPush({ tag: 'media-push/1' }))), 'SIG_POLICY');
});

test('a signature with too little or too much covered is refused', async (t) => {
  for (const component of goodComponents) {
    const components = goodComponents.filter((each) => each !== component);
    t.is(await codeOf(verify(forge({ components }))), 'SIG_POLICY', `without ${component}`);
  }
  t.is(await codeOf(verify(forge({ components: [...goodComponents, '@scheme'] }))), 'SIG_POLICY');
  t.is(
    await codeOf(verify(forge({ headers: { 'content-encoding': 'gzip' } }))),
    'SIG_POLICY',
    'content-encoding sent but not covered',
  );
});

test('a signature must carry each parameter, with the right value, and no other', async (t) => {
  const wrong: Record<string, string[]> = {
    'no created': replaceParameter('created', undefined),
    'no expires': replaceParameter('expires', undefined),
    'no nonce': replaceParameter('nonce', undefined),
    'no keyid': replaceParameter('keyid', undefined),
    'no alg': replaceParameter('alg', undefined),
    'no tag': replaceParameter('tag', undefined),
    'short nonce': replaceParameter('nonce', 'nonce="012345678901234567890"'),
    'long nonce': replaceParameter('nonce', `nonce="${'0'.repeat(129)}"`),
    'nonce with a space': replaceParameter('nonce', 'nonce="0123456789 0123456789012"'),
    'another alg': replaceParameter('alg', 'alg="hmac-sha256"'),
    'long life': replaceParameter('expires', `expires=${nowS + 301}`),
    'ten years': replaceParameter('expires', `expires=${nowS + 315_360_000}`),
    'expires before created': replaceParameter('expires', `expires=${nowS - 1}`),
    'one more parameter': [...goodParameters, 'x="y"'],
  };
  for (const [name, parameters] of Object.entries(wrong))
    t.is(await codeOf(verify(forge({ parameters }))), 'SIG_POLICY', name);
  const malformed = replaceParameter('created', 'created="now"');
  t.is(await codeOf(verify(forge({ parameters: malformed }))), 'SIG_MALFORMED');
});

test('a wrong clock is told apart from a wrong key, and the answer carries our time', async (t) => {
  for (const offsetS of [-60, 0, 360])
    t.is(await codeOf(verify(await signedPush(), { nowMs: nowMs + offsetS * 1000 })), 'accepted');
  for (const offsetS of [-3 * 86_400, -61, 361, 3 * 86_400]) {
    const serverTimeMs = nowMs + offsetS * 1000;
    const error = await t.throwsAsync(verify(await signedPush(), { nowMs: serverTimeMs }));
    t.like(error, { code: 'SIG_CLOCK_SKEW', details: { serverTimeMs } });
  }
  const foreign = await signedPush({ key: newKey() });
  t.is(
    await codeOf(verify(foreign, { nowMs: nowMs + 3 * 86_400_000 })),
    'SIG_INVALID',
    'our time is not told to strangers',
  );
});

test('an edge with a wrong clock recovers by signing again with our time', async (t) => {
  const wrong = nowMs - 3 * 86_400_000;
  const refused = await t.throwsAsync<Error & { details: { serverTimeMs: number } }>(
    verify(await signedPush({ nowMs: wrong })),
  );
  t.is(await codeOf(verify(await signedPush({ nowMs: refused?.details.serverTimeMs ?? 0 }))), 'accepted');
});

test('a call without a signature, or with half of one, is refused', async (t) => {
  const request = await signedPush();
  t.is(await codeOf(verify(dropHeaders(request, 'signature', 'signature-input'))), 'SIG_MISSING');
  t.is(await codeOf(verify(dropHeaders(request, 'signature'))), 'SIG_MALFORMED');
  t.is(await codeOf(verify(dropHeaders(request, 'signature-input'))), 'SIG_MALFORMED');
});

test('a header that comes twice is refused, in any case of letters', async (t) => {
  const request = await signedPush({ gzip: true });
  const names = [
    'Content-Type',
    'Content-Encoding',
    'CONTENT-DIGEST',
    'X-Node-Id',
    'Idempotency-Key',
    'X-Api-Key',
    'Signature',
  ];
  for (const name of [...names, 'signature-input']) {
    const value = headerOf(request, name.toLowerCase());
    t.is(await codeOf(verify(addHeader(request, name, value))), 'HDR_DUPLICATE', name);
  }
});

test('games with the signature headers are refused', async (t) => {
  const request = await signedPush();
  const input = headerOf(request, 'signature-input');
  const signature = headerOf(request, 'signature');
  const second = { input: input.replace('sig1=', 'sig2='), signature: signature.replace('sig1=', 'sig2=') };
  const both = withHeader(
    withHeader(request, 'signature', `${signature}, ${second.signature}`),
    'signature-input',
    `${input}, ${second.input}`,
  );
  t.is(await codeOf(verify(both)), 'SIG_POLICY', 'two signatures');
  t.is(await codeOf(verify(forge({ label: 'sig2' }))), 'SIG_POLICY', 'another label');
  t.is(
    await codeOf(verify(forge({ components: goodComponents.map((each) => (each === '@path' ? '@path;req' : each)) }))),
    'SIG_MALFORMED',
    ';req',
  );
  const cases: Record<string, SignedRequest> = {
    'label twice': withHeader(request, 'signature', `${signature}, ${signature}`),
    'labels differ': withHeader(request, 'signature', second.signature),
    'component twice': forge({ components: [...goodComponents, '@method'] }),
    'parameter twice': forge({ parameters: [...goodParameters, 'tag="snapshot-push/1"'] }),
    'unknown derived component': withHeader(request, 'signature-input', input.replace('"@query"', '"@quary"')),
    'component in capitals': withHeader(request, 'signature-input', input.replace('"x-node-id"', '"X-Node-Id"')),
    'not a dictionary': withHeader(request, 'signature-input', '((((('),
    'empty input': withHeader(request, 'signature-input', ''),
    'empty signature': withHeader(request, 'signature', ''),
    'not bytes': withHeader(request, 'signature', 'sig1="text"'),
    'not base64': withHeader(request, 'signature', 'sig1=:***:'),
    'not ASCII': withHeader(request, 'signature-input', `${input};x="é"`),
  };
  for (const [name, each] of Object.entries(cases)) t.is(await codeOf(verify(each)), 'SIG_MALFORMED', name);
});

test('a short node id or idempotency key is refused though it is signed', async (t) => {
  t.is(await codeOf(verify(forge({ headers: { 'x-node-id': 'short' } }))), 'SIG_POLICY');
  t.is(await codeOf(verify(forge({ headers: { 'idempotency-key': 'short' } }))), 'SIG_POLICY');
});

test('headers that nobody signs cannot break the verification', async (t) => {
  const request = addHeader(await signedPush(), 'x-forwarded-for', 'ação');
  t.is(
    await codeOf(
      verify({ ...request, rawHeaders: [...request.rawHeaders, ...toRaw({ cookie: 'a', via: 'b' }), 'via', 'c'] }),
    ),
    'accepted',
  );
});

test('a key that cannot be read ends in a refusal, never in an acceptance', async (t) => {
  const { verifyRequest } = await import('@sgp/auth/http-signature');
  const request = await signedPush();
  const rules = { authority, tag: 'snapshot-push/1', nowMs } as const;
  const broken = { kty: 'OKP', crv: 'Ed25519', x: '!' } as const;
  t.is(await codeOf(verifyRequest(request, { ...rules, findKey: () => broken })), 'SIG_KEY_UNKNOWN');
  const failing = (): never => {
    throw new Error('the database is away');
  };
  t.is(await codeOf(verifyRequest(request, { ...rules, findKey: failing })), 'SIG_KEY_UNKNOWN');
});
