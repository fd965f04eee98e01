import type { SigningKey } from '@sgp/shared/api/licensing';
import { type CompactJWSHeaderParameters, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { PrivateJwk } from './http-signature.ts';

/** Signed documents: compact JWS with exactly `{alg, kid, typ}` in the header (SECURITY 3.3). */

/** What a document is. One kind is never taken for another, so each verifier names the one that it takes. */
export const documentTypes = [
  'lic+jwt',
  'keyset+jwt',
  'enrol-proof+jwt',
  'sync-changes+jwt',
  'sync-receipt+jwt',
  'bundle-ack+jwt',
] as const;
export type DocumentType = (typeof documentTypes)[number];
/** What the Core's sync key signs. */
export type CoreDocumentType = Extract<DocumentType, 'sync-changes+jwt' | 'sync-receipt+jwt' | 'bundle-ack+jwt'>;

export type PrivateSigningKey = PrivateJwk & Pick<SigningKey, 'kid' | 'alg'>;

/** The licence service, as `iss` of everything that it signs and `aud` of what is signed for it. */
export const licenseService = 'urn:sgp:license:live';
/** `aud` of documents for every node. */
export const anyNode = 'urn:sgp:node';
/** `aud` of documents for one node. */
export const nodeAudience = (nodeId: string): string => `node_${nodeId}`;

const algorithm = 'Ed25519';
const clockToleranceS = 60;

/** Signs a document. Its claims are the caller's; nothing is added. */
export const signDocument = (
  typ: DocumentType,
  claims: { readonly [name: string]: unknown },
  key: PrivateSigningKey,
): Promise<string> =>
  new SignJWT(claims as JWTPayload).setProtectedHeader({ alg: algorithm, kid: key.kid, typ }).sign({ ...key });

/**
 * Verifies a document and returns its claims, which the caller still parses.
 * @param rules.findKey the trusted key of this name; keys inside the document are never looked at
 * @throws an error of jose, or Error, for anything that is not exactly as it must be
 */
export async function verifyDocument(
  jws: string,
  rules: {
    readonly typ: DocumentType;
    readonly issuer: string;
    /** One name: a document for several readers is refused. */
    readonly audience: string;
    readonly requiredClaims: readonly string[];
    readonly nowMs: number;
    readonly findKey: (kid: string) => Pick<SigningKey, 'kty' | 'crv' | 'x' | 'alg'> | undefined;
  },
): Promise<JWTPayload> {
  assertCanonical(jws);
  const { payload } = await jwtVerify(jws, (header) => keyFor(header, rules), {
    typ: rules.typ,
    issuer: rules.issuer,
    audience: rules.audience,
    algorithms: [algorithm],
    requiredClaims: [...rules.requiredClaims],
    currentDate: new Date(rules.nowMs),
    clockTolerance: clockToleranceS,
  });
  if (payload.aud !== rules.audience) throw new Error('The audience is a list; one name was expected.');
  return payload;
}

function keyFor(header: CompactJWSHeaderParameters, rules: Parameters<typeof verifyDocument>[1]): SigningKey {
  // jose takes any case of typ and ignores members that it does not know; a document of ours has neither.
  if (header.typ !== rules.typ) throw new Error(`The document's typ is not ${rules.typ}.`);
  const extra = Object.keys(header).find((name) => name !== 'alg' && name !== 'kid' && name !== 'typ');
  if (extra !== undefined) throw new Error(`The header member ${extra} is not allowed.`);
  if (typeof header.kid !== 'string') throw new Error('The header names no key.');
  const key = rules.findKey(header.kid);
  if (!key) throw new Error('The key is not one of the trusted keys.');
  if (key.alg !== header.alg) throw new Error('The key is for another algorithm.');
  return { kty: key.kty, crv: key.crv, x: key.x, kid: header.kid, alg: key.alg };
}

/** base64url leaves spare bits in its last character: one signature must not have several spellings. */
function assertCanonical(jws: string): void {
  const parts = jws.split('.');
  if (parts.length !== 3 || parts.some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part))
    throw new Error('This is not a compact JWS.');
}
