import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the peers need to be started and ended. */

export function tempDir(stack: AsyncDisposableStack): string {
  const dir = mkdtempSync(join(tmpdir(), 'sgp-bench-'));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

/** Starts a program that listens on a port, and waits until it does. */
export async function startListening(
  stack: AsyncDisposableStack,
  command: readonly [string, ...string[]],
  port: number,
): Promise<ChildProcess> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => {
    log = `${log}${data}`.slice(-2000);
  });
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });
  await until(`${program} listens on ${port}`, async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${log}`);
    const socket = connect({ host: '127.0.0.1', port });
    return new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    }).finally(() => socket.destroy());
  });
  return child;
}

/** Asks each 20 ms, for at most two minutes. */
export async function until(what: string, holds: () => Promise<boolean>, maxMs = 120_000): Promise<void> {
  const deadline = Date.now() + maxMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${maxMs / 1000} s: ${what}`);
    await sleep(20);
  }
}
