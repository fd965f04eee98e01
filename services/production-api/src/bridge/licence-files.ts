import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '@sgp/auth/durable-file';
import { verifyKeyset, verifyLicence } from '@sgp/auth/licence';
import { nodeFiles } from '@sgp/auth/node-identity';
import {
  type Keyset,
  type LicenceClaims,
  licenceClaimsSchema,
  type Roots,
  rootsSchema,
} from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';

/** Two documents of the license service, as compact JWS. */
export type LicenceDocuments = { readonly licence: string; readonly keyset: string };

export type LicenceFiles = {
  /**
   * Claims of the installed licence, ended or not; `null` when there is none that is genuine.
   * @throws an error of the file system, when a file is there but cannot be read
   */
  installed(): Promise<LicenceClaims | null>;
  /** The installed list of keys, by which the Core's own words are verified; `null` when there is none that is genuine. */
  keyset(): Promise<Keyset | null>;
  /**
   * Installs documents once every check passed; before that nothing is written.
   * @param nowMs our own time: what it does not accept, the readers of the files would not accept either
   * @returns the claims of the licence that is installed now
   * @throws AppError LIC_SIG_INVALID, LIC_WRONG_NODE, LIC_EXPIRED or LIC_SEQ_OLD; Error when the pinned roots are missing
   */
  install(documents: LicenceDocuments, nowMs: number): Promise<LicenceClaims>;
};

type Installed = {
  readonly documents: { readonly [name in keyof LicenceDocuments]: string | null };
  readonly keysetVersion: number;
  readonly claims: LicenceClaims | null;
};

/** The last moment that a Date can name. */
const endOfTimeMs = 8_640_000_000_000_000;

/** Licence and keyset in NODE_DIR, under the roots that enrolment pinned there. */
export function createLicenceFiles(nodeDir: string, nodeId: string): LicenceFiles {
  const at = (name: 'licence' | 'keyset' | 'roots'): string => join(nodeDir, nodeFiles[name]);

  async function readInstalled(roots: Roots | null): Promise<Installed> {
    const documents = { licence: await readIfThere(at('licence')), keyset: await readIfThere(at('keyset')) };
    const keyset = roots && documents.keyset && (await genuineKeyset(documents.keyset, roots));
    if (!keyset) return { documents, keysetVersion: 0, claims: null };
    const claims = documents.licence === null ? null : await genuineClaims(documents.licence, keyset, nodeId);
    return { documents, keysetVersion: keyset.version, claims };
  }

  return {
    installed: async () => (await readInstalled(await readRoots(at('roots')))).claims,
    async keyset() {
      const roots = await readRoots(at('roots'));
      const document = await readIfThere(at('keyset'));
      return roots && document ? genuineKeyset(document, roots) : null;
    },
    async install(answered, nowMs) {
      const roots = await readRoots(at('roots'));
      if (!roots) throw new Error(`${at('roots')} is missing or broken: restore it from the backup.`);
      const before = await readInstalled(roots);
      const keyset = await verifyKeyset(answered.keyset, roots, nowMs);
      // A key that was withdrawn since must not come back with the list that still had it.
      if (keyset.version < before.keysetVersion)
        throw new AppError('LIC_SIG_INVALID', 'The list of issuing keys is older than the installed one.');
      const claims = await verifyLicence(answered.licence, keyset, { nodeId, nowMs });
      if (claims.seq < (before.claims?.seq ?? 0))
        throw new AppError('LIC_SEQ_OLD', 'A newer licence than the answered one is installed.');
      // The keyset first: a new list still has the key of the licence that is installed until the next line.
      if (answered.keyset !== before.documents.keyset) await replaceFile(at('keyset'), answered.keyset);
      if (answered.licence !== before.documents.licence) await replaceFile(at('licence'), answered.licence);
      return claims;
    },
  };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** `null` when they are missing or broken. */
async function readRoots(path: string): Promise<Roots | null> {
  const text = await readIfThere(path);
  try {
    return rootsSchema.parse(JSON.parse(text ?? ''));
  } catch {
    return null;
  }
}

/** At time 0 nothing is expired: what counts here is who signed it. */
const genuineKeyset = (jws: string, roots: Roots): Promise<Keyset | null> =>
  verifyKeyset(jws, roots, 0).catch(() => null);

/** Whatever our clock says: at the end of time every licence has ended, and the refusal of a genuine one has its claims. */
async function genuineClaims(jws: string, keyset: Keyset, nodeId: string): Promise<LicenceClaims | null> {
  try {
    return await verifyLicence(jws, keyset, { nodeId, nowMs: endOfTimeMs });
  } catch (error) {
    return licenceClaimsSchema.safeParse((error as AppError).details['claims']).data ?? null;
  }
}
