import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyKeyset, verifyLicence } from '@sgp/auth/licence';
import { nodeFiles } from '@sgp/auth/node-identity';
import { licenceClaimsSchema, rootsSchema } from '@sgp/shared/api/licensing';
import type { Licence } from '@sgp/shared/api/shop';
import { AppError } from '@sgp/shared/errors';

/** Reads and verifies the licence from NODE_DIR, without the network, at each call: a renewed file counts at once. */
export type LicenceReader = { read(now: number): Promise<Licence> };

type Claims = ReturnType<typeof licenceClaimsSchema.parse>;

export function createLicenceReader(nodeDir: string, nodeId: string): LicenceReader {
  const file = (name: string): Promise<string> => readFile(join(nodeDir, name), 'utf8').then((text) => text.trim());
  return {
    async read(now) {
      try {
        const roots = rootsSchema.parse(JSON.parse(await file(nodeFiles.roots)));
        const keyset = await verifyKeyset(await file(nodeFiles.keyset), roots, now);
        const claims = await verifyLicence(await file(nodeFiles.licence), keyset, { nodeId, nowMs: now });
        return describe('active', null, claims, now);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT')
          return describe('missing', 'There is no licence on this computer.', null, now);
        if (!(error instanceof AppError)) return describe('invalid', 'The licence file cannot be read.', null, now);
        // The details of LIC_EXPIRED are the claims, and they are genuine.
        const claims = licenceClaimsSchema.safeParse(error.details['claims']);
        return error.code === 'LIC_EXPIRED'
          ? describe('expired', error.message, claims.data ?? null, now)
          : describe('invalid', error.message, null, now);
      }
    },
  };
}

const describe = (
  state: Licence['state'],
  reason: string | null,
  claims: Claims | null,
  checkedAt: number,
): Licence => ({
  state,
  reason,
  licenceId: claims?.sub ?? null,
  plan: claims?.plan ?? null,
  companyName: claims?.company_name ?? null,
  establishmentName: claims?.establishment_name ?? null,
  expiresAt: claims === null ? null : claims.exp * 1000,
  checkedAt,
});
