import { hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileOnce, makePrivateDir } from '@sgp/auth/durable-file';
import { ConfigError } from '@sgp/service-kit/config';
import { newSecret } from '@sgp/service-kit/ids';
import { mirrorLimits } from '../mirror-limits.ts';
import type { StoredSettings } from './alert-settings.ts';
import { secretPrefix } from './webhook.ts';

/** Secrets of webhooks. They follow from one key in a file, so that the database and its backups hold none. */
export type WebhookSecrets = {
  /** Those that sign now, the newest first: for a day after a rotation the former one signs too. */
  now(
    companyId: string,
    settings: Pick<StoredSettings, 'secretVersion' | 'rotatedAt'>,
    nowMs: number,
  ): readonly string[];
};

const fileName = 'webhooks.key';

/**
 * Reads the key, or makes it at the first start. Replicas share the folder, or a copy of the file.
 * @throws ConfigError when the file is there and holds no key
 */
export async function openWebhookSecrets(dir: string): Promise<WebhookSecrets> {
  const path = join(dir, fileName);
  await makePrivateDir(dir);
  await createFileOnce(path, newSecret());
  const key = (await readFile(path, 'utf8')).trim();
  if (!/^[A-Za-z0-9_-]{43}$/.test(key))
    throw new ConfigError(`${path} is not a key: restore it from the backup, or remove it to have a new one.`);
  const derive = (companyId: string, version: number): string => {
    const bytes = hkdfSync('sha256', Buffer.from(key, 'base64url'), '', `webhook/${companyId}/${version}`, 32);
    return secretPrefix + Buffer.from(bytes).toString('base64');
  };
  return {
    now(companyId, { secretVersion, rotatedAt }, nowMs) {
      const isFormerKnown = rotatedAt !== null && nowMs < rotatedAt + mirrorLimits.webhookFormerSecretMs;
      return [secretVersion, ...(isFormerKnown ? [secretVersion - 1] : [])].map((version) =>
        derive(companyId, version),
      );
    },
  };
}
