import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PrivateSigningKey } from '@sgp/auth/document';
import { createRequestSigner } from '@sgp/auth/http-signature';
import { readNodeIdentity, readNodeKey } from '@sgp/auth/node-identity';
import { createMetrics } from '@sgp/service-kit/metrics';
import type { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { createLicenceFiles } from '../../src/bridge/licence-files.ts';
import { startLicenceRenewal } from '../../src/bridge/licence-renewal.ts';
import { createCheckIn } from '../../src/bridge/license-checkin.ts';
import { enrolNode } from '../../src/enrol/enrol.ts';
import { createLicenceReader } from '../../src/shop/licence-reader.ts';
import { freePort } from './process.ts';
import { createWire, type Service, startService } from './sync-world.ts';
import { tempDir } from './temp-dir.ts';

/** A node of a real license process for the tests of the renewal. Time passes where a test says so. */

const token = 'token-token-token-token-token-token-token';

const shiftClock = (aheadMs: number): readonly string[] => [
  '--import',
  `data:text/javascript,const now = Date.now; Date.now = () => now() + ${aheadMs};`,
];

/** A license service that an edge reaches over a wire, and a node that it enrolled `agoMs` ago. */
export async function createLicensedNode(stack: AsyncDisposableStack, agoMs: number) {
  const dir = await tempDir(stack);
  const nodeDir = join(dir, 'node');
  for (const name of ['admin', 'service']) await writeFile(join(dir, name), token);
  const port = await freePort();
  const wire = stack.use(await createWire(() => port));
  const start = async (aheadMs: number): Promise<Service> =>
    stack.use(
      await startService(
        'services/license/src/main.ts',
        {
          PORT: String(port),
          LICENSE_DB_URL: `sqlite:${join(dir, 'license.db')}`,
          KEYS_DIR: join(dir, 'keys'),
          ADMIN_TOKEN_FILE: join(dir, 'admin'),
          SERVICE_TOKEN_FILE: join(dir, 'service'),
          MIRROR_URL: 'http://127.0.0.1:1',
        },
        shiftClock(aheadMs),
      ),
    );
  const first = await start(-agoMs);
  const licenseUrl = `http://127.0.0.1:${wire.port}`;
  const licenseAuthority = `127.0.0.1:${port}`;
  const code = await issueCode(licenseUrl);
  await enrolNode({ nodeDir, licenseUrl, licenseAuthority, code });
  await first.kill();
  const identity = readNodeIdentity(nodeDir);
  return {
    nodeDir,
    identity,
    wire,
    start: () => start(0),
    reader: createLicenceReader(nodeDir, identity.nodeId),
    signingKey: (name: 'licence' | 'root'): PrivateSigningKey =>
      JSON.parse(readFileSync(join(dir, 'keys', `${name}.jwk`), 'utf8')),
  };
}
type LicensedNode = Awaited<ReturnType<typeof createLicensedNode>>;

async function issueCode(licenseUrl: string): Promise<string> {
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const response = await fetch(new URL(path, licenseUrl), { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as Record<string, string>;
  };
  const { companyId } = await post('/v1/companies', { name: 'Ateliê Aurora' });
  const shop = await post(`/v1/companies/${companyId}/establishments`, { name: 'Matriz', slug: 'matriz' });
  const { code } = await post(`/v1/establishments/${shop['establishmentId']}/enrolment-codes`, {});
  return code ?? '';
}

/** The renewal as main.ts wires it; its timer is fired by the test. */
export function startRenewal(
  stack: AsyncDisposableStack,
  node: Pick<LicensedNode, 'nodeDir' | 'identity'>,
  options: { readonly url?: string; readonly clock?: { aheadMs: number } } = {},
) {
  const { nodeDir, identity } = node;
  const { clock = { aheadMs: 0 } } = options;
  const warnings: Partial<AppError>[] = [];
  const news: unknown[] = [];
  const metrics = createMetrics('bridge');
  const now = (): number => Date.now() + clock.aheadMs;
  let armed = Promise.withResolvers<{ readonly delayMs: number; readonly fire: () => void }>();
  const renewal = stack.use(
    startLicenceRenewal({
      files: createLicenceFiles(nodeDir, identity.nodeId),
      checkIn: createCheckIn({
        url: new URL(options.url ?? identity.licenseUrl ?? ''),
        signer: createRequestSigner({
          ...identity,
          privateJwk: readNodeKey(nodeDir),
          authority: identity.licenseAuthority ?? '',
          tag: 'checkin/1',
        }),
        now,
        timeoutMs: limits.syncRequestTimeoutMs,
      }),
      metrics,
      now,
      random: () => 0.5,
      setTimer(delayMs, fire) {
        armed.resolve({ delayMs, fire });
        return () => undefined;
      },
      log: {
        info: (...entry: unknown[]) => void news.push(entry.at(-1)),
        warn: ({ err }: { err: AppError }) => void warnings.push(err),
      },
    }),
  );
  return {
    warnings,
    news,
    clock,
    renewal,
    /** When this look at the licence is over: the wait until the next one. */
    waitMs: async () => (await armed.promise).delayMs,
    /** Ends the wait, and gives the next one. */
    async again() {
      const { fire } = await armed.promise;
      armed = Promise.withResolvers();
      fire();
      return (await armed.promise).delayMs;
    },
    async expiresInS() {
      const [figure] = (await metrics.registry.getSingleMetric('sgp_licence_expires_seconds')?.get())?.values ?? [];
      return figure?.value;
    },
  };
}
