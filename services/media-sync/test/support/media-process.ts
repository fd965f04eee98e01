import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFiles, nodeIdentitySchema } from '@sgp/auth/node-identity';
import type { S3Server } from '../../../../test/support/s3-server.ts';
import { est, newId, type Shop } from './shop.ts';

export const mainFile = new URL('../../src/main.ts', import.meta.url);

/** A process that is started anew each time it dies, as the launcher does. */
export type Kept = AsyncDisposable & {
  readonly child: ChildProcess;
  readonly deaths: number;
  /** Resolves when the present child has said that it is ready. */
  ready(): Promise<void>;
  kill(): Promise<void>;
};

export function keepRunning(file: URL, args: readonly string[], env: Record<string, string>): Kept {
  let deaths = 0;
  let open = true;
  let ready = Promise.withResolvers<void>();
  const start = (): ChildProcess => {
    const next = fork(fileURLToPath(file), [...args], {
      env: { ...process.env, LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent', ...env },
    });
    next.on('message', (message) => message === 'ready' && ready.resolve());
    next.on('exit', () => {
      if (!open) return;
      deaths += 1;
      ready = Promise.withResolvers();
      child = start();
    });
    return next;
  };
  let child = start();
  return {
    get child() {
      return child;
    },
    get deaths() {
      return deaths;
    },
    ready: () => ready.promise,
    async kill() {
      const victim = child;
      const gone = once(victim, 'exit');
      victim.kill('SIGKILL');
      await gone;
    },
    async [Symbol.asyncDispose]() {
      open = false;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Writes what the enrolment would have written. */
export async function writeNodeDir(shop: Shop): Promise<string> {
  const nodeDir = join(shop.dir, 'node');
  await mkdir(nodeDir);
  const { companyId, establishmentId } = shop.tenant;
  const identity = nodeIdentitySchema.parse({
    nodeId: newId(),
    shortId: 'abcdef012345',
    keyId: 'nk_test',
    apiKey: `npk_live_abcdef012345_${'k'.repeat(43)}`,
    companyId,
    establishmentId,
    est,
    shopName: 'Oficina',
    timeZone: 'America/Sao_Paulo',
    mirrorUrl: 'http://127.0.0.1:9',
  });
  await writeFile(join(nodeDir, nodeFiles.identity), JSON.stringify(identity));
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(join(nodeDir, nodeFiles.key), JSON.stringify(privateKey.export({ format: 'jwk' })));
  return nodeDir;
}

/** Environment of the real service with a bucket. */
export async function environmentOf(shop: Shop, s3: S3Server): Promise<Record<string, string>> {
  const passwordFile = join(shop.dir, 'mqtt-password');
  const secretFile = join(shop.dir, 's3-secret');
  await writeFile(passwordFile, 'secret');
  await writeFile(secretFile, s3.credentials.secretAccessKey);
  return {
    PORT: '0',
    MEDIA_DB_URL: `sqlite:${join(shop.dir, 'media.db')}`,
    MEDIA_DIR: shop.mediaDir,
    NODE_DIR: await writeNodeDir(shop),
    BROKER_URL: shop.brokerUrl,
    MQTT_PASSWORD_FILE: passwordFile,
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    S3_REGION: s3.region,
    S3_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    S3_SECRET_ACCESS_KEY_FILE: secretFile,
  };
}
