import type { PublicJwk } from '@sgp/shared/api/licensing';
import { calculateJwkThumbprint, compactVerify } from 'jose';
import { signDocument } from './document.ts';
import type { PrivateJwk } from './http-signature.ts';

/** RFC 7638 thumbprint (SHA-256, base64url): the same for the private and the public half of a key. */
export const thumbprint = ({ kty, crv, x }: PublicJwk): Promise<string> => calculateJwkThumbprint({ kty, crv, x });

/** Shows that the node which enrols holds the key that it names: a JWS over code and node id by that key. */
export async function createEnrolProof(key: PrivateJwk, code: string, nodeId: string): Promise<string> {
  return signDocument('enrol-proof+jwt', { code, nodeId }, { ...key, kid: await thumbprint(key), alg: 'Ed25519' });
}

/**
 * Whether the proof was made by `publicJwk` for this code and node. It has no times: the clock of a new node may be wrong,
 * and the code is used only once.
 */
export async function verifyEnrolProof(
  proof: string,
  enrolment: { readonly publicJwk: PublicJwk; readonly code: string; readonly nodeId: string },
): Promise<boolean> {
  try {
    const { payload, protectedHeader } = await compactVerify(
      proof,
      { ...enrolment.publicJwk },
      { algorithms: ['Ed25519'] },
    );
    if (protectedHeader.typ !== 'enrol-proof+jwt' || protectedHeader.kid !== (await thumbprint(enrolment.publicJwk)))
      return false;
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
    const { code, nodeId } = claims as { readonly code?: unknown; readonly nodeId?: unknown };
    return code === enrolment.code && nodeId === enrolment.nodeId;
  } catch {
    // Whatever cannot be read proves nothing.
    return false;
  }
}
