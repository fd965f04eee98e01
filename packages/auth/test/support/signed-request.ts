import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { contentDigest } from '@sgp/auth/digest';
import { createRequestSigner, type PrivateJwk, type SignedRequest, verifyRequest } from '@sgp/auth/http-signature';
import { privateJwkSchema } from '@sgp/auth/node-identity';
import type { PublicJwk } from '@sgp/shared/api/licensing';

export const authority = 'core.example:7001';
export const path = '/internal/sync/pedidos';
export const nowMs = Date.UTC(2026, 10, 20, 12, 0, 0);
export const tag = 'snapshot-push/1';
export const idempotencyKey = '0198c4a2-7b1e-7c3d-8e4f-0123456789ab';

export type TestKey = {
  readonly privateJwk: PrivateJwk;
  readonly publicJwk: PublicJwk;
  readonly privateKey: KeyObject;
};

export function newKey(): TestKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { kty, crv, x, d } = privateKey.export({ format: 'jwk' });
  const privateJwk = privateJwkSchema.parse({ kty, crv, x, d });
  return { privateKey, privateJwk, publicJwk: { kty: privateJwk.kty, crv: privateJwk.crv, x: privateJwk.x } };
}

export const key = newKey();
export const body = Buffer.from('{"changes":[]}');

/** A push as the bridge sends it. */
export async function signedPush(
  change: {
    gzip?: boolean;
    nowMs?: number;
    body?: Uint8Array;
    tag?: 'media-push/1';
    key?: TestKey;
    keyId?: string;
  } = {},
): Promise<SignedRequest & { headers: Record<string, string> }> {
  const signer = createRequestSigner({
    shortId: 'abcdefgh2345',
    apiKey: `npk_live_abcdefgh2345_${'k'.repeat(43)}`,
    keyId: change.keyId ?? 'nk_one',
    privateJwk: (change.key ?? key).privateJwk,
    authority,
    tag: change.tag ?? tag,
  });
  const sent = change.body ?? body;
  const headers = await signer.sign({
    method: 'POST',
    path,
    contentType: 'application/json',
    ...(change.gzip && { contentEncoding: 'gzip' as const }),
    body: sent,
    idempotencyKey,
    nowMs: change.nowMs ?? nowMs,
  });
  return { method: 'POST', path, query: '', rawHeaders: toRaw(headers), body: sent, headers };
}

export const toRaw = (headers: Readonly<Record<string, string>>): string[] => Object.entries(headers).flat();

export const verify = (request: SignedRequest, change: { nowMs?: number; authority?: string } = {}) =>
  verifyRequest(request, {
    authority: change.authority ?? authority,
    tag,
    nowMs: change.nowMs ?? nowMs,
    findKey: (keyId) => (keyId === 'nk_one' ? key.publicJwk : undefined),
  });

/** Code of the refusal, or `accepted`. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const createdS = Math.floor(nowMs / 1000);
export const goodComponents = [
  '@method',
  '@authority',
  '@path',
  '@query',
  'content-type',
  'content-digest',
  'x-node-id',
  'idempotency-key',
];
export const goodParameters = [
  `created=${createdS}`,
  `expires=${createdS + 300}`,
  'nonce="0123456789012345678901"',
  'keyid="nk_one"',
  'alg="ed25519"',
  'tag="snapshot-push/1"',
];

/**
 * Signs by hand what no library would sign: the signature itself is always right, so that only the rule under test can
 * refuse it. Components are given as they stand in Signature-Input, quotes left out: `@method`, `@method;req`.
 */
export function forge(
  change: {
    components?: readonly string[];
    parameters?: readonly string[];
    headers?: Readonly<Record<string, string>>;
    label?: string;
  } = {},
): SignedRequest {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-digest': contentDigest(body),
    'x-node-id': 'abcdefgh2345',
    'idempotency-key': idempotencyKey,
    ...change.headers,
  };
  const derived: Record<string, string> = {
    '@method': 'POST',
    '@authority': authority,
    '@path': path,
    '@query': '?',
    '@scheme': 'https',
  };
  const identifiers = (change.components ?? goodComponents).map((text) => {
    const [name = '', ...parameters] = text.split(';');
    return { name, text: [`"${name}"`, ...parameters].join(';') };
  });
  const input = `(${identifiers.map(({ text }) => text).join(' ')})${(change.parameters ?? goodParameters).map((p) => `;${p}`).join('')}`;
  const lines = identifiers.map(({ name, text }) => `${text}: ${derived[name] ?? headers[name]}`);
  const base = [...lines, `"@signature-params": ${input}`].join('\n');
  const signature = sign(null, Buffer.from(base), key.privateKey).toString('base64');
  const label = change.label ?? 'sig1';
  headers['signature-input'] = `${label}=${input}`;
  headers['signature'] = `${label}=:${signature}:`;
  return { method: 'POST', path, query: '', rawHeaders: toRaw(headers), body };
}
