import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PrivateSigningKey } from '@sgp/auth/document';
import { createFileOnce, makePrivateDir } from '@sgp/auth/durable-file';
import { newSigningKey, parseSigningKey } from '@sgp/auth/signing-key';
import { ConfigError } from '@sgp/service-kit/config';

const fileName = 'sync.jwk';

/**
 * Reads the key with which the Core signs what it says to nodes, or makes it at the first start. Replicas share the folder,
 * or a copy of the file: of several that start at once one makes it, and all read the same.
 * @throws ConfigError when the file is there and holds no key
 */
export async function openSyncKey(dir: string, nowMs: number): Promise<PrivateSigningKey> {
  const path = join(dir, fileName);
  await makePrivateDir(dir);
  const text = await readFile(path, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await createFileOnce(path, JSON.stringify(await newSigningKey('sync', nowMs)));
    return readFile(path, 'utf8');
  });
  try {
    return parseSigningKey(text);
  } catch {
    throw new ConfigError(`${path} is not a signing key: restore it from the backup, or remove it to have a new one.`);
  }
}
