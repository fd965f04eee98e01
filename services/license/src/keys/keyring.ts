import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyNode, licenseService, type PrivateSigningKey, signDocument } from '@sgp/auth/document';
import { createFileOnce, makePrivateDir, replaceFile } from '@sgp/auth/durable-file';
import { thumbprint } from '@sgp/auth/enrol-proof';
import { verifyKeyset } from '@sgp/auth/licence';
import { privateJwkSchema } from '@sgp/auth/node-identity';
import { ConfigError } from '@sgp/service-kit/config';
import { type Keyset, type Roots, type SigningKey, signingKeySchema } from '@sgp/shared/api/licensing';
import { exportJWK, generateKeyPair } from 'jose';
import { licenseLimits } from '../license-limits.ts';

/** The keys that sign (SECURITY 3.2), in files of KEYS_DIR that only their owner can read. */
export type Keyring = {
  /** Signs licences. */
  readonly licenceKey: PrivateSigningKey;
  /** The public roots: the current one, and the next, so that it is known long before it signs. */
  readonly roots: Roots;
  /** The issuing keys, signed by the root; signed anew once a month. */
  keyset(nowMs: number): Promise<string>;
};

const files = { root: 'root.jwk', nextRoot: 'root-next.jwk', licence: 'licence.jwk', keyset: 'keyset.jws' } as const;
const storedKeySchema = privateJwkSchema.extend(signingKeySchema.pick({ kid: true, alg: true }).shape);

/**
 * Reads the keys, or makes them at the first run.
 * @param options.mayCreate false once something was signed: new keys would make everything that was issued worthless
 * @throws ConfigError when keys are missing that must be there, or a file is broken
 */
export async function openKeyring(
  dir: string,
  options: { readonly mayCreate: boolean; readonly nowMs: number },
): Promise<Keyring> {
  await makePrivateDir(dir);
  const root = await openKey(dir, files.root, 'root', options);
  const nextRoot = await openKey(dir, files.nextRoot, 'root', options);
  const licenceKey = await openKey(dir, files.licence, 'licence', options);
  const roots: Roots = { keys: [publicPart(root), publicPart(nextRoot)] };
  const keysetPath = join(dir, files.keyset);
  let current: { readonly jws: string; readonly claims: Keyset } | undefined;

  async function readKeyset(): Promise<typeof current> {
    const jws = await readIfThere(keysetPath);
    // At time 0 nothing is expired: one that is too old is no fault, but a reason to sign the next.
    return jws === undefined ? undefined : { jws, claims: await verifyKeyset(jws, roots, 0) };
  }

  async function signKeyset(nowMs: number, version: number): Promise<NonNullable<typeof current>> {
    const iat = Math.floor(nowMs / 1000);
    const claims: Keyset = {
      iss: licenseService,
      aud: anyNode,
      iat,
      exp: iat + licenseLimits.keysetLifeMs / 1000,
      version,
      keys: [{ ...publicPart(licenceKey), purpose: 'licence' }],
    };
    const jws = await signDocument('keyset+jwt', claims, root);
    await replaceFile(keysetPath, jws);
    return { jws, claims };
  }

  return {
    licenceKey,
    roots,
    async keyset(nowMs) {
      current ??= await readKeyset().catch(() => {
        throw new ConfigError(`${keysetPath} is not a keyset of these roots: restore ${dir} from the backup.`);
      });
      const ageMs = nowMs - (current?.claims.iat ?? 0) * 1000;
      const complete = current?.claims.keys.some((key) => key.kid === licenceKey.kid);
      if (!current || !complete || ageMs > licenseLimits.keysetRenewAfterMs)
        current = await signKeyset(nowMs, (current?.claims.version ?? 0) + 1);
      return current.jws;
    },
  };
}

const publicPart = ({ kty, crv, x, kid, alg }: PrivateSigningKey): SigningKey => ({ kty, crv, x, kid, alg });

async function openKey(
  dir: string,
  file: string,
  purpose: 'root' | 'licence',
  options: { readonly mayCreate: boolean; readonly nowMs: number },
): Promise<PrivateSigningKey> {
  const path = join(dir, file);
  const stored = await readIfThere(path);
  if (stored !== undefined) return parseKey(path, stored);
  if (!options.mayCreate)
    throw new ConfigError(`The key ${path} is gone, but licences were issued with it: restore ${dir} from the backup.`);
  await createFileOnce(path, JSON.stringify(await newKey(purpose, options.nowMs)));
  // Another process may have been first: what counts is the file.
  return parseKey(path, await readFile(path, 'utf8'));
}

function parseKey(path: string, text: string): PrivateSigningKey {
  try {
    return storedKeySchema.parse(JSON.parse(text));
  } catch {
    throw new ConfigError(`${path} is not a signing key: restore it from the backup.`);
  }
}

/** kid = `<purpose>-<yyyymm>-<8 of the RFC 7638 thumbprint>`. */
async function newKey(purpose: 'root' | 'licence', nowMs: number): Promise<PrivateSigningKey> {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  const jwk = privateJwkSchema.parse(pickKey(await exportJWK(privateKey)));
  const month = new Date(nowMs).toISOString().slice(0, 7).replace('-', '');
  const kid = `${purpose === 'licence' ? 'lic' : purpose}-${month}-${(await thumbprint(jwk)).slice(0, 8)}`;
  return { ...jwk, kid, alg: 'Ed25519' };
}

const pickKey = ({ kty, crv, x, d }: Awaited<ReturnType<typeof exportJWK>>): object => ({ kty, crv, x, d });

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
