import { type NodeRecord, nodeRecordSchema, type SigningKey, syncKeyRegisteredSchema } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { mirrorLimits } from '../mirror-limits.ts';

/** Port to the license service. It throws UNAVAILABLE when it cannot be asked. */
export type LicenseClient = {
  /** Null: it knows no such node. */
  findNode(shortId: string): Promise<NodeRecord | null>;
  /** Has the Core's key listed in the keyset. */
  listSyncKey(key: SigningKey): Promise<{ readonly keysetVersion: number }>;
};

export function createLicenseClient(options: { readonly url: string; readonly serviceToken: string }): LicenseClient {
  return {
    async findNode(shortId) {
      try {
        const response = await fetch(new URL(`/v1/nodes/${shortId}`, options.url), {
          headers: { authorization: `Bearer ${options.serviceToken}` },
          signal: AbortSignal.timeout(mirrorLimits.licenseRequestTimeoutMs),
          redirect: 'error',
        });
        if (response.status === 404) return null;
        if (!response.ok) throw new Error(`the license service answered ${response.status}`);
        return nodeRecordSchema.parse(await response.json());
      } catch (cause) {
        throw new AppError('UNAVAILABLE', 'The license service cannot be asked now; nothing was kept. Try again.', {
          cause,
          details: { retryAfterS: 10 },
        });
      }
    },
    async listSyncKey(key) {
      try {
        const response = await fetch(new URL('/v1/keys/sync', options.url), {
          method: 'PUT',
          headers: { authorization: `Bearer ${options.serviceToken}`, 'content-type': 'application/json' },
          body: JSON.stringify(key),
          signal: AbortSignal.timeout(mirrorLimits.licenseRequestTimeoutMs),
          redirect: 'error',
        });
        if (!response.ok) throw new Error(`the license service answered ${response.status}`);
        return syncKeyRegisteredSchema.parse(await response.json());
      } catch (cause) {
        throw new AppError('UNAVAILABLE', 'The license service cannot list the sync key now.', { cause });
      }
    },
  };
}
