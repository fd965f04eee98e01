import type { SigningKey } from '@sgp/shared/api/licensing';
import { signingKeySchema } from '@sgp/shared/api/licensing';
import { exportJWK, generateKeyPair } from 'jose';
import type { PrivateSigningKey } from './document.ts';
import { thumbprint } from './enrol-proof.ts';
import { privateJwkSchema } from './node-identity.ts';

/** Keys that sign documents (SECURITY 3.2), as their files hold them. */

const storedKeySchema = privateJwkSchema.extend(signingKeySchema.pick({ kid: true, alg: true }).shape);

/** A new key pair. kid = `<prefix>-<yyyymm>-<8 of the RFC 7638 thumbprint>`. */
export async function newSigningKey(prefix: 'root' | 'lic' | 'sync', nowMs: number): Promise<PrivateSigningKey> {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  const jwk = privateJwkSchema.parse({ kty, crv, x, d });
  const month = new Date(nowMs).toISOString().slice(0, 7).replace('-', '');
  return { ...jwk, kid: `${prefix}-${month}-${(await thumbprint(jwk)).slice(0, 8)}`, alg: 'Ed25519' };
}

/** Reads the content of a key's file. @throws Error when it holds no signing key */
export const parseSigningKey = (text: string): PrivateSigningKey => storedKeySchema.parse(JSON.parse(text));

/** What may be told of a key. */
export const publicSigningKey = ({ kty, crv, x, kid, alg }: PrivateSigningKey): SigningKey => ({
  kty,
  crv,
  x,
  kid,
  alg,
});
