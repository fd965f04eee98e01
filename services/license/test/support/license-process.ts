import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { adminToken, authority, mirrorUrl, serviceToken } from './license.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

/** Environment of a license service whose files are in `dir`. */
export function licenseEnvironment(dir: string): Record<string, string> {
  writeFileSync(join(dir, 'admin'), `${adminToken}\n`);
  writeFileSync(join(dir, 'service'), `${serviceToken}\n`);
  return {
    PORT: '0',
    LICENSE_DB_URL: `sqlite:${join(dir, 'license.db')}`,
    KEYS_DIR: join(dir, 'keys'),
    ADMIN_TOKEN_FILE: join(dir, 'admin'),
    SERVICE_TOKEN_FILE: join(dir, 'service'),
    MIRROR_URL: mirrorUrl,
    LICENSE_AUTHORITY: authority,
  };
}

export type LicenseProcess = { readonly child: ChildProcess; readonly url: string; readonly log: readonly string[] };

/** Starts the real process and waits until it listens. */
export async function startProcess(
  t: Pick<ExecutionContext, 'teardown'>,
  env: Record<string, string>,
): Promise<LicenseProcess> {
  const child = spawnLicense(env);
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const log: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      log.push(line);
      const { msg, url: listening } = JSON.parse(line) as { msg?: string; url?: string };
      if (msg === 'listening' && listening !== undefined) resolve(listening);
    });
    child.once('exit', (code) => reject(new Error(`the license service ended with ${code}: ${log.join('\n')}`)));
  });
  return { child, url, log };
}

/** Runs the process until it ends by itself. */
export async function runProcess(
  env: Record<string, string>,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const child = spawnLicense(env);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => {
      output += data;
    });
  const [exitCode] = await once(child, 'close');
  return { exitCode, output };
}

const spawnLicense = (env: Record<string, string>): ChildProcess =>
  spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
