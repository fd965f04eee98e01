import type { Keyset } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { coreIssuer } from '@sgp/shared/sync-downlink';
import type { JWTPayload } from 'jose';
import {
  type CoreDocumentType,
  nodeAudience,
  type PrivateSigningKey,
  signDocument,
  verifyDocument,
} from './document.ts';

/** What the Core says to one node about its data, signed by the Core's sync key: changes, receipts, answers to bundles. */

/** Signs for one node. Issuer, audience and time are added to the claims. */
export const signCoreDocument = (
  typ: CoreDocumentType,
  claims: { readonly [name: string]: unknown },
  by: { readonly key: PrivateSigningKey; readonly nodeId: string; readonly nowMs: number },
): Promise<string> =>
  signDocument(
    typ,
    { ...claims, iss: coreIssuer, aud: nodeAudience(by.nodeId), iat: Math.floor(by.nowMs / 1000) },
    by.key,
  );

/**
 * Verifies a document of the Core and returns its claims, which the caller still parses. It has no end: a shop that was
 * cut off for weeks, or whose clock is wrong, must be able to read what it was told.
 * @param keyset from `verifyKeyset`; only its keys for `sync` count
 * @throws AppError SIG_KEY_UNKNOWN when the keyset does not list the key (a check-in brings the newest keyset), SIG_INVALID
 *   for anything else that is not exactly as it must be
 */
export async function verifyCoreDocument(
  jws: string,
  keyset: Pick<Keyset, 'keys'>,
  expected: { readonly typ: CoreDocumentType; readonly nodeId: string; readonly nowMs: number },
): Promise<JWTPayload> {
  let keyUnknown = false;
  try {
    return await verifyDocument(jws, {
      typ: expected.typ,
      issuer: coreIssuer,
      audience: nodeAudience(expected.nodeId),
      requiredClaims: ['iat'],
      nowMs: expected.nowMs,
      findKey: (kid) => {
        const key = keyset.keys.find((each) => each.kid === kid && each.purpose === 'sync');
        keyUnknown = key === undefined;
        return key;
      },
    });
  } catch (cause) {
    if (keyUnknown)
      throw new AppError('SIG_KEY_UNKNOWN', 'The key that signed is not a sync key of the keyset.', { cause });
    throw new AppError('SIG_INVALID', 'This is not what the Core signed for this node.', { cause });
  }
}
