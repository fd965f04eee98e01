import { type NodeRecord, nodeRecordSchema } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { mirrorLimits } from '../mirror-limits.ts';

/** Port to the license service. Null: it knows no such node. It throws UNAVAILABLE when it cannot be asked. */
export type LicenseClient = { findNode(shortId: string): Promise<NodeRecord | null> };

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
  };
}
