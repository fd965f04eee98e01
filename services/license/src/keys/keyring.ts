import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyNode, licenseService, type PrivateSigningKey, signDocument } from '@sgp/auth/document';
import { createFileOnce, makePrivateDir, replaceFile } from '@sgp/auth/durable-file';
import { verifyKeyset } from '@sgp/auth/licence';
import { newSigningKey, parseSigningKey, publicSigningKey } from '@sgp/auth/signing-key';
import { ConfigError } from '@sgp/service-kit/config';
import type { Keyset, Roots, SigningKey } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { licenseLimits } from '../license-limits.ts';

/** The keys that sign (SECURITY 3.2), in files of KEYS_DIR that only their owner can read. */
export type Keyring = {
  /** Signs licences. */
  readonly licenceKey: PrivateSigningKey;
  /** The public roots: the current one, and the next, so that it is known long before it signs. */
  readonly roots: Roots;
  /** The issuing keys, signed by the root; signed anew once a month. */
  keyset(nowMs: number): Promise<string>;
  /**
   * Lists the key with which the Core signs what it says to nodes; the former one stays listed, so that a node knows both
   * while the mirror goes over to the new one. The same key again changes nothing.
   * @returns the version of the keyset that lists it
   * @throws AppError ALREADY_EXISTS when another key has this name
   */
  listSyncKey(key: SigningKey, nowMs: number): Promise<number>;
};

const files = { root: 'root.jwk', nextRoot: 'root-next.jwk', licence: 'licence.jwk', keyset: 'keyset.jws' } as const;

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
  const licenceKey = await openKey(dir, files.licence, 'lic', options);
  const roots: Roots = { keys: [publicSigningKey(root), publicSigningKey(nextRoot)] };
  const keysetPath = join(dir, files.keyset);
  let current: { readonly jws: string; readonly claims: Keyset } | undefined;

  async function readKeyset(): Promise<typeof current> {
    const jws = await readIfThere(keysetPath);
    // At time 0 nothing is expired: one that is too old is no fault, but a reason to sign the next.
    return jws === undefined ? undefined : { jws, claims: await verifyKeyset(jws, roots, 0) };
  }

  /** Signs the keyset with these sync keys, the newest first. */
  async function signKeyset(nowMs: number, syncKeys: readonly SigningKey[]): Promise<NonNullable<typeof current>> {
    const iat = Math.floor(nowMs / 1000);
    const claims: Keyset = {
      iss: licenseService,
      aud: anyNode,
      iat,
      exp: iat + licenseLimits.keysetLifeMs / 1000,
      version: (current?.claims.version ?? 0) + 1,
      keys: [
        { ...publicSigningKey(licenceKey), purpose: 'licence' },
        ...syncKeys.map((key) => ({ ...key, purpose: 'sync' as const })),
      ],
    };
    const jws = await signDocument('keyset+jwt', claims, root);
    await replaceFile(keysetPath, jws);
    return { jws, claims };
  }

  const syncKeysOf = (): readonly SigningKey[] => (current?.claims.keys ?? []).filter((key) => key.purpose === 'sync');

  async function present(nowMs: number): Promise<NonNullable<typeof current>> {
    current ??= await readKeyset().catch(() => {
      throw new ConfigError(`${keysetPath} is not a keyset of these roots: restore ${dir} from the backup.`);
    });
    const ageMs = nowMs - (current?.claims.iat ?? 0) * 1000;
    const complete = current?.claims.keys.some((key) => key.kid === licenceKey.kid);
    if (!current || !complete || ageMs > licenseLimits.keysetRenewAfterMs)
      current = await signKeyset(nowMs, syncKeysOf());
    return current;
  }

  // One after the other, so that two versions are never signed with one number.
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work, work);
    last = result.catch(() => {});
    return result;
  }

  return {
    licenceKey,
    roots,
    keyset: (nowMs) => inTurn(async () => (await present(nowMs)).jws),
    listSyncKey: (key, nowMs) =>
      inTurn(async () => {
        const { claims } = await present(nowMs);
        const known = claims.keys.find(({ kid }) => kid === key.kid);
        if (known && (known.x !== key.x || known.purpose !== 'sync'))
          throw new AppError('ALREADY_EXISTS', 'Another key has this name.');
        if (!known) {
          const former = syncKeysOf().slice(0, licenseLimits.formerSyncKeysListedMax);
          current = await signKeyset(nowMs, [key, ...former]);
        }
        return (current ?? { claims }).claims.version;
      }),
  };
}

async function openKey(
  dir: string,
  file: string,
  prefix: 'root' | 'lic',
  options: { readonly mayCreate: boolean; readonly nowMs: number },
): Promise<PrivateSigningKey> {
  const path = join(dir, file);
  const stored = await readIfThere(path);
  if (stored !== undefined) return parseKey(path, stored);
  if (!options.mayCreate)
    throw new ConfigError(`The key ${path} is gone, but licences were issued with it: restore ${dir} from the backup.`);
  await createFileOnce(path, JSON.stringify(await newSigningKey(prefix, options.nowMs)));
  // Another process may have been first: what counts is the file.
  return parseKey(path, await readFile(path, 'utf8'));
}

function parseKey(path: string, text: string): PrivateSigningKey {
  try {
    return parseSigningKey(text);
  } catch {
    throw new ConfigError(`${path} is not a signing key: restore it from the backup.`);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
