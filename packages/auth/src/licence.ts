import {
  type Keyset,
  keysetClaimsSchema,
  type LicenceClaims,
  licenceClaimsSchema,
  type Roots,
} from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { errors } from 'jose';
import { anyNode, licenseService, nodeAudience, verifyDocument } from './document.ts';

/**
 * Verifies the list of issuing keys.
 * @param roots the only keys trusted to sign it
 * @param nowMs the node's idea of the time
 * @throws AppError LIC_SIG_INVALID when it is not a keyset signed by a root, or too old
 */
export async function verifyKeyset(jws: string, roots: Roots, nowMs: number = Date.now()): Promise<Keyset> {
  try {
    return keysetClaimsSchema.parse(
      await verifyDocument(jws, {
        typ: 'keyset+jwt',
        issuer: licenseService,
        audience: anyNode,
        requiredClaims: ['iat', 'exp', 'version', 'keys'],
        nowMs,
        findKey: (kid) => roots.keys.find((key) => key.kid === kid),
      }),
    );
  } catch (cause) {
    throw new AppError('LIC_SIG_INVALID', 'The list of issuing keys is not signed by a trusted root, or is too old.', {
      cause,
    });
  }
}

/**
 * Verifies a licence without any network.
 * @param keyset from {@link verifyKeyset}
 * @returns its claims; times in seconds since 1970
 * @throws AppError LIC_SIG_INVALID, LIC_WRONG_NODE, or LIC_EXPIRED with the claims, which are genuine, as `details.claims`
 */
export async function verifyLicence(
  jws: string,
  keyset: Pick<Keyset, 'keys'>,
  node: { readonly nodeId: string; readonly nowMs: number },
): Promise<LicenceClaims> {
  try {
    return licenceClaimsSchema.parse(
      await verifyDocument(jws, {
        typ: 'lic+jwt',
        issuer: licenseService,
        audience: nodeAudience(node.nodeId),
        requiredClaims: ['sub', 'jti', 'iat', 'nbf', 'exp', 'tid', 'est', 'seq'],
        nowMs: node.nowMs,
        findKey: (kid) => keyset.keys.find((key) => key.kid === kid && key.purpose === 'licence'),
      }),
    );
  } catch (cause) {
    throw licenceRefusal(cause);
  }
}

function licenceRefusal(cause: unknown): AppError {
  if (cause instanceof errors.JWTExpired) {
    const claims = licenceClaimsSchema.safeParse(cause.payload);
    if (claims.success)
      return new AppError('LIC_EXPIRED', 'The licence ended.', { cause, details: { claims: claims.data } });
  }
  if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'aud')
    return new AppError('LIC_WRONG_NODE', 'The licence is for another node.', { cause });
  return new AppError('LIC_SIG_INVALID', 'The licence is not signed by a key of the keyset, or is not a licence.', {
    cause,
  });
}
