import { createHmac, createPublicKey } from 'node:crypto';
import { signCoreDocument, verifyCoreDocument } from '@sgp/auth/core-document';
import {
  anyNode,
  type CoreDocumentType,
  type DocumentType,
  documentTypes,
  licenseService,
  nodeAudience,
  type PrivateSigningKey,
  signDocument,
} from '@sgp/auth/document';
import { createEnrolProof, thumbprint, verifyEnrolProof } from '@sgp/auth/enrol-proof';
import { verifyKeyset, verifyLicence } from '@sgp/auth/licence';
import type { Keyset, LicenceClaims, Roots } from '@sgp/shared/api/licensing';
import { coreIssuer } from '@sgp/shared/sync-downlink';
import test from 'ava';
import { type CompactJWSHeaderParameters, CompactSign } from 'jose';
import { codeOf, newKey } from './support/signed-request.ts';

const nowS = 1_795_000_000;
const nowMs = nowS * 1000;
const nodeId = '0198c4a2-7b1e-7c3d-8e4f-0123456789ab';
const otherNodeId = '0198c4a2-7b1e-7c3d-8e4f-0123456789ac';

const signingKey = (kid: string): PrivateSigningKey => ({ ...newKey().privateJwk, kid, alg: 'Ed25519' });
const publicPart = ({ kty, crv, x, kid, alg }: PrivateSigningKey) => ({ kty, crv, x, kid, alg });
const root = signingKey('root-202611-aaaaaaaa');
const issuing = signingKey('lic-202611-bbbbbbbb');
const stranger = signingKey('lic-202611-bbbbbbbb');
const roots: Roots = { keys: [publicPart(root)] };

const keysetClaims: Keyset = {
  iss: licenseService,
  aud: anyNode,
  iat: nowS,
  exp: nowS + 31_536_000,
  version: 1,
  keys: [{ ...publicPart(issuing), purpose: 'licence' }],
};
const claims: LicenceClaims = {
  iss: licenseService,
  sub: 'lic_one',
  aud: nodeAudience(nodeId),
  jti: 'one',
  iat: nowS,
  nbf: nowS - 300,
  exp: nowS + 30 * 86_400,
  tid: otherNodeId,
  est: otherNodeId,
  seq: 1,
  plan: 'standard',
  env: 'live',
  features: ['orders'],
  limits: { users: 1, machines: 1, orders_month: 1 },
  company_name: 'Ateliê',
  establishment_name: 'Matriz',
  paid_until: nowS,
  grace_until: nowS + 44 * 86_400,
};
const verify = (jws: string, change: { nodeId?: string; nowMs?: number } = {}): Promise<LicenceClaims> =>
  verifyLicence(jws, keysetClaims, { nodeId, nowMs, ...change });

/** Signs any header, which signDocument would not. */
const signRaw = (
  header: CompactJWSHeaderParameters,
  payload: object = claims,
  key: PrivateSigningKey = issuing,
): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader(header)
    .sign({ ...key, alg: String(header.alg) });

test('a licence of a key of the keyset, which a root signed, is verified without any network', async (t) => {
  const keyset = await verifyKeyset(await signDocument('keyset+jwt', keysetClaims, root), roots, nowMs);
  const licence = await signDocument('lic+jwt', claims, issuing);
  t.deepEqual(await verifyLicence(licence, keyset, { nodeId, nowMs }), claims);
});

test('lic/flip-every-byte: no character of a licence can be changed', async (t) => {
  const licence = await signDocument('lic+jwt', claims, issuing);
  for (let i = 0; i < licence.length; i += 1) {
    const other = licence[i] === 'A' ? 'B' : 'A';
    const changed = licence.slice(0, i) + other + licence.slice(i + 1);
    t.is(await codeOf(verify(changed)), 'LIC_SIG_INVALID', `character ${i}`);
  }
});

test('lic/flip-every-byte: the spare bits of the last character have one spelling', async (t) => {
  const licence = await signDocument('lic+jwt', claims, issuing);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(licence.slice(-1));
  for (let low = 1; low < 16; low += 1)
    t.is(await codeOf(verify(licence.slice(0, -1) + alphabet[last ^ low])), 'LIC_SIG_INVALID');
});

const syncKey = signingKey('sync-202611-cccccccc');
const withSync: Keyset = { ...keysetClaims, keys: [...keysetClaims.keys, { ...publicPart(syncKey), purpose: 'sync' }] };
const verifyCore = (jws: string, typ: CoreDocumentType, keyset: Pick<Keyset, 'keys'> = withSync, node = nodeId) =>
  verifyCoreDocument(jws, keyset, { typ, nodeId: node, nowMs });
const coreClaims = { iss: coreIssuer, aud: nodeAudience(nodeId), iat: nowS };
const passesAsCore = async (verifier: CoreDocumentType, typ: DocumentType): Promise<boolean> =>
  (await codeOf(verifyCore(await signDocument(typ, coreClaims, syncKey), verifier))) === 'accepted';

test('what the Core says is for one node and by a sync key of the keyset alone', async (t) => {
  const typ = 'sync-changes+jwt';
  const jws = await signCoreDocument(typ, { after: 3 }, { key: syncKey, nodeId, nowMs });
  t.like(await verifyCore(jws, typ), { after: 3, iss: coreIssuer, iat: nowS });
  t.is(await codeOf(verifyCore(jws, typ, withSync, otherNodeId)), 'SIG_INVALID');
  t.is(await codeOf(verifyCore(jws, typ, keysetClaims)), 'SIG_KEY_UNKNOWN', 'a newer keyset may list it');
  const asLicence: Keyset = { ...withSync, keys: [{ ...publicPart(syncKey), purpose: 'licence' }] };
  t.is(await codeOf(verifyCore(jws, typ, asLicence)), 'SIG_KEY_UNKNOWN', 'a key has one purpose');
  const byLicenceKey = await signCoreDocument(typ, {}, { key: issuing, nodeId, nowMs });
  t.is(await codeOf(verifyCore(byLicenceKey, typ)), 'SIG_KEY_UNKNOWN');
  const forged = await signCoreDocument(typ, {}, { key: { ...stranger, kid: syncKey.kid }, nodeId, nowMs });
  t.is(await codeOf(verifyCore(forged, typ)), 'SIG_INVALID');
  const licence = await signDocument('lic+jwt', claims, syncKey);
  t.is(await codeOf(verifyLicence(licence, withSync, { nodeId, nowMs })), 'LIC_SIG_INVALID', 'it issues no licence');
  t.is(
    await codeOf(verifyCore(await signDocument(typ, { ...coreClaims, iss: licenseService }, syncKey), typ)),
    'SIG_INVALID',
  );
});

test('lic/typ-matrix: each kind of document passes only its own verifier', async (t) => {
  const node = newKey();
  const nodeKey: PrivateSigningKey = { ...node.privateJwk, kid: await thumbprint(node.publicJwk), alg: 'Ed25519' };
  const proof = { code: 'C', nodeId };
  const verifiers: Record<DocumentType, (typ: DocumentType) => Promise<boolean>> = {
    'lic+jwt': async (typ) => (await codeOf(verify(await signDocument(typ, claims, issuing)))) === 'accepted',
    'keyset+jwt': async (typ) =>
      (await codeOf(verifyKeyset(await signDocument(typ, keysetClaims, root), roots, nowMs))) === 'accepted',
    'enrol-proof+jwt': async (typ) =>
      verifyEnrolProof(await signDocument(typ, proof, nodeKey), { ...proof, publicJwk: node.publicJwk }),
    'sync-changes+jwt': (typ) => passesAsCore('sync-changes+jwt', typ),
    'sync-receipt+jwt': (typ) => passesAsCore('sync-receipt+jwt', typ),
    'bundle-ack+jwt': (typ) => passesAsCore('bundle-ack+jwt', typ),
  };
  for (const typ of documentTypes)
    for (const verifier of documentTypes)
      t.is(await verifiers[verifier](typ), typ === verifier, `${typ} at ${verifier}`);
});

test('lic/typ-matrix: a typ in other letters, with a prefix, or none is refused', async (t) => {
  for (const typ of ['LIC+JWT', 'application/lic+jwt', 'JWT', undefined]) {
    const header = { alg: 'Ed25519', kid: issuing.kid, ...(typ !== undefined && { typ }) };
    t.is(await codeOf(verify(await signRaw(header))), 'LIC_SIG_INVALID', String(typ));
  }
});

test('lic/alg-confusion: none, HS256 with the public key, and EdDSA for an Ed25519 key are refused', async (t) => {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${encode({ alg: 'none', kid: issuing.kid, typ: 'lic+jwt' })}.${encode(claims)}.`;
  t.is(await codeOf(verify(unsigned)), 'LIC_SIG_INVALID');
  const { x } = publicPart(issuing);
  const pem = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  });
  const head = `${encode({ alg: 'HS256', kid: issuing.kid, typ: 'lic+jwt' })}.${encode(claims)}`;
  for (const secret of [pem, Buffer.from(x, 'base64url')])
    t.is(
      await codeOf(verify(`${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`)),
      'LIC_SIG_INVALID',
    );
  const eddsa = await signRaw({ alg: 'EdDSA', kid: issuing.kid, typ: 'lic+jwt' });
  t.is(await codeOf(verify(eddsa)), 'LIC_SIG_INVALID');
});

test('lic/embedded-jwk: a key that the document brings along is never used', async (t) => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: stranger.x };
  const base = { alg: 'Ed25519', kid: issuing.kid, typ: 'lic+jwt' };
  for (const extra of [{ jwk }, { jku: 'https://evil.example/keys' }, { x5c: ['AAAA'] }, { crit: ['exp'] }, {}]) {
    const header = JSON.stringify({ ...base, ...extra });
    const head = `${Buffer.from(header).toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    const { createPrivateKey, sign } = await import('node:crypto');
    const signature = sign(null, Buffer.from(head), createPrivateKey({ key: { ...stranger }, format: 'jwk' }));
    t.is(await codeOf(verify(`${head}.${signature.toString('base64url')}`)), 'LIC_SIG_INVALID', header);
  }
  const genuineWithExtra = await signRaw({ ...base, jwk });
  t.is(await codeOf(verify(genuineWithExtra)), 'LIC_SIG_INVALID', 'also beside a right signature');
});

test('a licence that names no key, or a key that is not in the keyset, is refused', async (t) => {
  t.is(await codeOf(verify(await signRaw({ alg: 'Ed25519', typ: 'lic+jwt' }))), 'LIC_SIG_INVALID');
  t.is(
    await codeOf(verify(await signRaw({ alg: 'Ed25519', typ: 'lic+jwt', kid: 'lic-202612-cccccccc' }))),
    'LIC_SIG_INVALID',
  );
  t.is(await codeOf(verify(await signDocument('lic+jwt', claims, root))), 'LIC_SIG_INVALID', 'signed by the root');
});

test('lic/other-node: a licence copied from another node is refused', async (t) => {
  const licence = await signDocument('lic+jwt', claims, issuing);
  t.is(await codeOf(verify(licence, { nodeId: otherNodeId })), 'LIC_WRONG_NODE');
});

test('lic/aud-array: a licence for several nodes is refused', async (t) => {
  const licence = await signDocument('lic+jwt', { ...claims, aud: [nodeAudience(nodeId)] }, issuing);
  t.is(await codeOf(verify(licence)), 'LIC_SIG_INVALID');
});

test('another issuer, or a claim that is missing or of another shape, is refused', async (t) => {
  const wrong: object[] = [
    { iss: 'urn:other' },
    { seq: 0 },
    { seq: '1' },
    { exp: 'never' },
    { exp: null },
    { limits: {} },
  ];
  const missing = ['iss', 'sub', 'aud', 'jti', 'iat', 'nbf', 'exp', 'tid', 'est', 'seq'].map((name) => ({
    [name]: undefined,
  }));
  for (const change of [...wrong, ...missing]) {
    const licence = await signDocument('lic+jwt', JSON.parse(JSON.stringify({ ...claims, ...change })), issuing);
    const code = await codeOf(verify(licence));
    t.is(code, 'aud' in change ? 'LIC_WRONG_NODE' : 'LIC_SIG_INVALID', JSON.stringify(change));
  }
});

test('a licence ends at exp plus the tolerance of a minute, and its claims are told', async (t) => {
  const licence = await signDocument('lic+jwt', claims, issuing);
  t.is(await codeOf(verify(licence, { nowMs: (claims.exp + 59) * 1000 })), 'accepted');
  const ended = await t.throwsAsync(verify(licence, { nowMs: (claims.exp + 61) * 1000 }));
  t.like(ended, { code: 'LIC_EXPIRED', details: { claims } });
  t.is(await codeOf(verify(licence, { nowMs: (claims.nbf - 61) * 1000 })), 'LIC_SIG_INVALID', 'not yet valid');
  const expired = { nodeId: otherNodeId, nowMs: (claims.exp + 61) * 1000 };
  t.is(await codeOf(verify(licence, expired)), 'LIC_WRONG_NODE', 'the claims are not told to another node');
});

test('a keyset that no root signed, that is too old, or that is empty is refused', async (t) => {
  const refused = async (jws: string, atMs = nowMs): Promise<string> => codeOf(verifyKeyset(jws, roots, atMs));
  t.is(await refused(await signDocument('keyset+jwt', keysetClaims, issuing)), 'LIC_SIG_INVALID');
  t.is(
    await refused(await signDocument('keyset+jwt', keysetClaims, { ...stranger, kid: root.kid })),
    'LIC_SIG_INVALID',
  );
  const good = await signDocument('keyset+jwt', keysetClaims, root);
  t.is(await refused(good), 'accepted');
  t.is(await refused(good, (keysetClaims.exp + 61) * 1000), 'LIC_SIG_INVALID');
  t.is(await refused(await signDocument('keyset+jwt', { ...keysetClaims, keys: [] }, root)), 'LIC_SIG_INVALID');
  t.is(await refused('not a document'), 'LIC_SIG_INVALID');
});

test('a proof of possession holds for its code, its node and its key alone', async (t) => {
  const node = newKey();
  const proof = await createEnrolProof(node.privateJwk, 'CODE', nodeId);
  const enrolment = { publicJwk: node.publicJwk, code: 'CODE', nodeId };
  t.true(await verifyEnrolProof(proof, enrolment));
  t.false(await verifyEnrolProof(proof, { ...enrolment, code: 'OTHER' }));
  t.false(await verifyEnrolProof(proof, { ...enrolment, nodeId: otherNodeId }));
  t.false(await verifyEnrolProof(proof, { ...enrolment, publicJwk: newKey().publicJwk }));
  for (const rubbish of ['', 'a.b.c', `${proof}A`]) t.false(await verifyEnrolProof(rubbish, enrolment));
});
