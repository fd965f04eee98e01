import { generateKeyPairSync } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyNode, licenseService, nodeAudience, type PrivateSigningKey, signDocument } from '@sgp/auth/document';
import { nodeFiles } from '@sgp/auth/node-identity';
import { newId } from '@sgp/service-kit/ids';
import test from 'ava';
import { createLicenceReader } from '../src/shop/licence-reader.ts';
import { openShopApp, signedIn } from './support/shop-app.ts';
import { tempDir } from './support/temp-dir.ts';

const newKey = (kid: string): PrivateSigningKey => {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', x: String(jwk.x), d: String(jwk.d), kid, alg: 'Ed25519' };
};
const publicOf = ({ d: _, ...key }: PrivateSigningKey) => key;
const nowS = Math.floor(Date.now() / 1000);
const dayS = 86_400;

/** Writes root, keyset and a licence of 30 days for `nodeId`. */
async function writeLicence(dir: string, nodeId: string): Promise<void> {
  const issuing = newKey('licence-1');
  const root = newKey('root-1');
  const keyset = {
    iss: licenseService,
    aud: anyNode,
    iat: nowS,
    exp: nowS + 365 * dayS,
    version: 1,
    keys: [{ ...publicOf(issuing), purpose: 'licence' }],
  };
  const licence = {
    iss: licenseService,
    sub: 'lic_1',
    aud: nodeAudience(nodeId),
    jti: newId(),
    iat: nowS,
    nbf: nowS - 300,
    exp: nowS + 30 * dayS,
    tid: newId(),
    est: newId(),
    seq: 1,
    plan: 'padrao',
    env: 'live',
    features: [],
    limits: { users: 5, machines: 5, orders_month: 500 },
    company_name: 'Aurora Ltda',
    establishment_name: 'Gráfica Aurora',
    paid_until: nowS + 30 * dayS,
    grace_until: nowS + 44 * dayS,
  };
  await writeFile(join(dir, nodeFiles.roots), JSON.stringify({ keys: [publicOf(root)] }));
  await writeFile(join(dir, nodeFiles.keyset), await signDocument('keyset+jwt', keyset, root));
  await writeFile(join(dir, nodeFiles.licence), `${await signDocument('lic+jwt', licence, issuing)}\n`);
}

test('the licence is judged offline at each read: active, expired, for another node, broken, missing', async (t) => {
  await using stack = new AsyncDisposableStack();
  const dir = await tempDir(stack);
  const nodeId = newId();
  const reader = createLicenceReader(dir, nodeId);
  t.like(await reader.read(Date.now()), { state: 'missing', licenceId: null });
  await writeLicence(dir, nodeId);
  const active = await reader.read(Date.now());
  t.like(active, { state: 'active', reason: null, plan: 'padrao', companyName: 'Aurora Ltda' });
  t.is(active.expiresAt, (nowS + 30 * dayS) * 1000);
  const later = await reader.read(Date.now() + 31 * dayS * 1000);
  t.like(later, { state: 'expired', licenceId: 'lic_1', establishmentName: 'Gráfica Aurora' });
  t.like(await createLicenceReader(dir, newId()).read(Date.now()), { state: 'invalid', licenceId: null });
  await writeFile(join(dir, nodeFiles.keyset), 'not.a.jws');
  t.like(await reader.read(Date.now()), { state: 'invalid', companyName: null });
  await writeFile(join(dir, nodeFiles.roots), '{}');
  t.like(await reader.read(Date.now()), { state: 'invalid' });
  await rm(join(dir, nodeFiles.roots));
  t.like(await reader.read(Date.now()), { state: 'missing' });
});

test('a renewed licence file counts without a restart', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  t.like(await browser.ok('GET', '/api/licence'), { state: 'missing' });
  await writeLicence(join(app.dir, 'node'), app.identity.nodeId);
  t.like(await browser.ok('GET', '/api/licence'), { state: 'active', licenceId: 'lic_1' });
});
