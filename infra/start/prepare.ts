import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { uptime } from 'node:os';
import type { Side } from './options.ts';
import { type Layout, type ProcessSpec, secretNames } from './plan.ts';
import { texts } from './texts.ts';

/** A reason not to start that the person can mend; printed alone, without a trace. */
export class StartRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartRefused';
  }
}

export function requireNode(version: string): void {
  if (Number(version.replace(/^v/, '').split('.')[0]) < 24) throw new StartRefused(texts.nodeTooOld(version));
}

/** Makes the data folder and takes it for this launcher alone. Disposing gives it back. */
export function takeDataDir(dataDir: string, at: Layout): Disposable {
  try {
    for (const dir of [dataDir, at.secrets]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const dir of [at.logs, at.cache]) mkdirSync(dir, { recursive: true });
    accessSync(dataDir, constants.W_OK);
    const owner = existsSync(at.lock) ? Number(readFileSync(at.lock, 'utf8')) : 0;
    if (owner > 0 && owner !== process.pid && sinceThisBoot(at.lock) && isAlive(owner))
      throw new StartRefused(texts.dataInUse(dataDir, owner));
    writeFileSync(at.lock, String(process.pid));
  } catch (error) {
    if (error instanceof StartRefused) throw error;
    throw new StartRefused(texts.dataNotWritable(dataDir, (error as NodeJS.ErrnoException).code ?? String(error)));
  }
  const giveBack = (): void => rmSync(at.lock, { force: true });
  process.once('exit', giveBack); // also when the start is broken off
  return { [Symbol.dispose]: giveBack };
}

/** A power cut leaves the file behind, and after it the same number belongs to another program. */
function sinceThisBoot(file: string): boolean {
  const bootedAt = Date.now() - uptime() * 1000;
  return statSync(file).mtimeMs >= bootedAt;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Random secrets of this installation, each in a file that only this user reads, made once. */
export function makeSecrets(side: Side, at: Layout): void {
  const wanted = [...(side === 'core' ? [] : secretNames.edge), ...(side === 'edge' ? [] : secretNames.core)];
  for (const name of wanted) {
    if (!existsSync(at.secret(name)))
      writeFileSync(at.secret(name), `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
  }
  if (side === 'core') return;
  const accounts = ['production-api', 'bridge', 'media-sync'].map((service) => ({
    username: `_${service}`,
    sha256: createHash('sha256')
      .update(readFileSync(at.secret(`mqtt-${service}`), 'utf8').trim())
      .digest('hex'),
  }));
  writeFileSync(at.accounts, JSON.stringify(accounts, null, 2), { mode: 0o600 });
}

/** Told before anything starts, in one sentence, instead of by a service half-way. */
export async function requireFreePorts(specs: readonly ProcessSpec[]): Promise<void> {
  for (const spec of specs) {
    for (const port of spec.ports) {
      const probe = createServer();
      try {
        probe.listen(port, spec.env['HOST']);
        await once(probe, 'listening');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
          throw new StartRefused(texts.portTaken(port, spec.name));
        throw error;
      } finally {
        probe.close();
      }
    }
  }
}
