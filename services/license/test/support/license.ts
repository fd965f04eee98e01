import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEnrolProof } from '@sgp/auth/enrol-proof';
import type { PrivateJwk } from '@sgp/auth/http-signature';
import { privateJwkSchema } from '@sgp/auth/node-identity';
import { listen } from '@sgp/service-kit/http-server';
import { newId } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import { createMetrics } from '@sgp/service-kit/metrics';
import type { enrolBody } from '@sgp/shared/api/licensing';
import type { ExecutionContext } from 'ava';
import type * as z from 'zod';
import { createLicenseApp } from '../../src/app.ts';
import { openLicenseDatabase } from '../../src/db.ts';
import { openKeyring } from '../../src/keys/keyring.ts';
import { createLicenceStore } from '../../src/licences/licence-store.ts';
import { createNonceStore } from '../../src/nodes/nonce-store.ts';

export const adminToken = 'admin-token-admin-token-admin-token';
export const serviceToken = 'service-token-service-token-service';
export const authority = 'license.example';
export const mirrorUrl = 'http://127.0.0.1:7001';

export type Answer = { readonly status: number; readonly body: Record<string, never> & { readonly code?: string } };
export type Client = {
  readonly url: string;
  call(method: string, path: string, options?: { token?: string; json?: unknown; headers?: object }): Promise<Answer>;
};

export function createClient(url: string): Client {
  return {
    url,
    async call(method, path, { token, json, headers } = {}) {
      const response = await fetch(new URL(path, url), {
        method,
        headers: {
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      });
      return { status: response.status, body: JSON.parse((await response.text()) || '{}') };
    },
  };
}

export function temporaryDir(t: Pick<ExecutionContext, 'teardown'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'sgp-license-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The service's application with a real database and real HTTP; `clock.ms` is its time. */
export async function startLicense(
  t: Pick<ExecutionContext, 'teardown'>,
  options: { readonly dbUrl?: string } = {},
): Promise<Client & { readonly clock: { ms: number }; readonly db: Awaited<ReturnType<typeof openLicenseDatabase>> }> {
  const clock = { ms: Date.now() };
  const stack = new AsyncDisposableStack();
  t.teardown(() => stack.disposeAsync());
  const db = await openLicenseDatabase(options.dbUrl ?? 'sqlite::memory:');
  stack.defer(() => db.destroy());
  const app = createLicenseApp({
    db,
    keyring: await openKeyring(temporaryDir(t), { mayCreate: true, nowMs: clock.ms }),
    licences: createLicenceStore(db),
    nonces: createNonceStore(db),
    adminToken,
    serviceToken,
    mirrorUrl,
    authority,
    log: createLog('license', 'silent'),
    metrics: createMetrics('license'),
    now: () => clock.ms,
  });
  const server = stack.use(await listen(app, { host: '127.0.0.1', port: 0 }));
  return { ...createClient(server.url), clock, db };
}

export type Shop = { readonly companyId: string; readonly establishmentId: string };

export async function addShop(client: Client, slug = 'matriz'): Promise<Shop> {
  const company = await client.call('POST', '/v1/companies', { token: adminToken, json: { name: 'Ateliê Aurora' } });
  const { companyId } = company.body as unknown as Shop;
  const establishment = await client.call('POST', `/v1/companies/${companyId}/establishments`, {
    token: adminToken,
    json: { name: 'Matriz', slug },
  });
  const { establishmentId } = establishment.body as unknown as Shop;
  return { companyId, establishmentId };
}

export async function addCode(client: Client, { establishmentId }: Shop): Promise<string> {
  const answer = await client.call('POST', `/v1/establishments/${establishmentId}/enrolment-codes`, {
    token: adminToken,
    json: {},
  });
  return (answer.body as unknown as { code: string }).code;
}

export type TestNode = { readonly nodeId: string; readonly key: PrivateJwk };

export function newNode(): TestNode {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { nodeId: newId(), key: privateJwkSchema.parse({ kty, crv, x, d }) };
}

export async function enrolRequest(
  code: string,
  { nodeId, key }: TestNode,
  proofKey: PrivateJwk = key,
): Promise<z.infer<typeof enrolBody>> {
  const publicJwk = { kty: key.kty, crv: key.crv, x: key.x };
  return { code, nodeId, publicJwk, proof: await createEnrolProof(proofKey, code, nodeId) };
}

export const wrongCode = (): string => randomBytes(8).toString('hex').toUpperCase();
