import { verifyCoreDocument } from '@sgp/auth/core-document';
import type { CoreDocumentType } from '@sgp/auth/document';
import { AppError } from '@sgp/shared/errors';
import type { LicenceFiles } from './licence-files.ts';

/** Verifies what the Core signed for this node, by the keyset of the node's folder. */
export type CoreWords = (typ: CoreDocumentType, jws: string) => Promise<unknown>;

export const createCoreWords =
  (files: Pick<LicenceFiles, 'keyset'>, nodeId: string, now: () => number): CoreWords =>
  async (typ, jws) => {
    const keyset = await files.keyset();
    if (!keyset)
      throw new AppError('SIG_KEY_UNKNOWN', 'This node has no list of keys yet by which the Core could be verified.');
    return verifyCoreDocument(jws, keyset, { typ, nodeId, nowMs: now() });
  };
