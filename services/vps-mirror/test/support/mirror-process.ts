import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LicenseServer } from './license-server.ts';
import { testAuthority } from './mirror.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** The mirror as the launcher runs it: a process of its own, told by its environment alone. */
export type MirrorProcess = AsyncDisposable & {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it wrote on standard output so far. */
  readonly output: () => string;
  /** `kill -9`, and resolves when the process is gone. */
  kill(): Promise<void>;
};

export function mirrorEnvironment(dir: string, dbUrl: string, license: LicenseServer): NodeJS.ProcessEnv {
  writeFileSync(join(dir, 'service-token'), `${license.serviceToken}\n`);
  writeFileSync(join(dir, 'media-secret'), 'media-secret-of-this-test\n');
  return {
    PORT: '0',
    LOG_LEVEL: 'debug',
    MIRROR_DB_URL: dbUrl,
    MEDIA_DIR: join(dir, 'media'),
    MIRROR_AUTHORITY: testAuthority,
    LICENSE_URL: license.url,
    LICENSE_SERVICE_TOKEN_FILE: join(dir, 'service-token'),
    SYNC_KEY_DIR: join(dir, 'sync-key'),
    MEDIA_URL_SECRET_FILE: join(dir, 'media-secret'),
  };
}

export async function spawnMirror(env: NodeJS.ProcessEnv): Promise<MirrorProcess> {
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the mirror ended with ${code}: ${output}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      const entry = JSON.parse(line) as { readonly msg: string; readonly url?: string };
      if (entry.msg === 'listening') resolve(String(entry.url));
    });
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  return {
    url,
    child,
    output: () => output,
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}
