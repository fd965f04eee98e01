import { createPrivateKey, createPublicKey, sign, verify as verifyBytes } from 'node:crypto';
import { contentDigest } from '@sgp/auth/digest';
import test from 'ava';
import { createSignatureSync, type RequestDescriptor, verifySignature } from 'http-message-sig';
import { httpbis } from 'http-message-signatures';
import {
  authority,
  body,
  codeOf,
  idempotencyKey,
  key,
  nowMs,
  path,
  signedPush,
  toRaw,
  verify,
} from './support/signed-request.ts';

test('RFC 9421 B.2.6: the library makes and accepts the signature of the standard', async (t) => {
  const jwk = {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
    x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  };
  const request: RequestDescriptor = {
    kind: 'request',
    method: 'POST',
    targetUri: 'https://example.com/foo?param=Value&Pet=dog',
    fields: [
      { name: 'date', value: 'Tue, 20 Apr 2021 02:07:55 GMT' },
      { name: 'content-type', value: 'application/json' },
      { name: 'content-length', value: '18' },
    ],
  };
  const signature =
    'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:';
  const signatureInput =
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"';
  const components = ['date', '@method', '@path', '@authority', 'content-type', 'content-length'];

  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const made = createSignatureSync(request, {
    label: 'sig-b26',
    components,
    parameters: { created: 1_618_884_473, keyid: 'test-key-ed25519' },
    signer: { algorithm: 'ed25519', sign: (data) => sign(null, data, privateKey) },
  });
  t.deepEqual({ ...made }, { signature, signatureInput });

  const publicKey = createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, format: 'jwk' });
  const fields = [
    ...request.fields,
    { name: 'signature', value: signature },
    { name: 'signature-input', value: signatureInput },
  ];
  const verified = await verifySignature(
    { ...request, fields },
    {
      policy: { algorithms: ['ed25519'], requiredComponents: components, requiredParameters: ['created', 'keyid'] },
      resolveVerifier: () => ({
        algorithm: 'ed25519',
        verify: (data, bytes) => verifyBytes(null, data, publicKey, bytes),
      }),
    },
  );
  t.is(verified.label, 'sig-b26');
});

const url = `https://${authority}${path}`;
const fields = [
  '@method',
  '@authority',
  '@path',
  '@query',
  'content-type',
  'content-digest',
  'x-node-id',
  'idempotency-key',
];

test('what we sign, an independent implementation verifies, and it refuses what was changed', async (t) => {
  // The independent implementation looks at the real clock.
  const { headers } = await signedPush({ nowMs: Date.now(), gzip: true });
  const publicKey = createPublicKey({ key: { ...key.publicJwk }, format: 'jwk' });
  const check = (sent: Record<string, string>): Promise<boolean | null> =>
    httpbis.verifyMessage(
      {
        requiredFields: [...fields, 'content-encoding'],
        requiredParams: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
        keyLookup: async () => ({
          id: 'nk_one',
          algs: ['ed25519'],
          verify: async (data, bytes) => verifyBytes(null, data, publicKey, bytes),
        }),
      },
      { method: 'POST', url, headers: sent },
    );
  t.true(await check(headers));
  t.false(await check({ ...headers, 'x-node-id': 'abcdefgh2346' }));
});

test('what an independent implementation signs to our rules, we verify', async (t) => {
  const signed = await httpbis.signMessage(
    {
      key: { id: 'nk_one', alg: 'ed25519', sign: async (data) => sign(null, data, key.privateKey) },
      name: 'sig1',
      fields,
      params: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
      paramValues: {
        created: new Date(nowMs),
        expires: new Date(nowMs + 300_000),
        nonce: 'abcdefghijklmnopqrstuv',
        tag: 'snapshot-push/1',
      },
    },
    {
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        'content-digest': contentDigest(body),
        'x-node-id': 'abcdefgh2345',
        'idempotency-key': idempotencyKey,
      },
    },
  );
  const rawHeaders = toRaw(signed.headers as Record<string, string>);
  const request = { method: 'POST', path, query: '', rawHeaders, body };
  t.is((await verify(request)).nonce, 'abcdefghijklmnopqrstuv');
  t.is(await codeOf(verify({ ...request, path: '/other' })), 'SIG_INVALID');
});
