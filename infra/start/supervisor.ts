import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ProcessName, ProcessSpec } from './plan.ts';
import { root } from './root.ts';

/** A log file is set aside as `.1` at start when it is larger than this. */
const logMaxBytes = 10 * 1024 * 1024;
/** Exit code of a service whose settings cannot work: starting it again would not help. */
const settingsExitCode = 2;
const restartMinMs = 100;
const restartMaxMs = 5_000;
/** A process that lived this long starts anew without a longer wait. */
const restartResetMs = 30_000;
/**
 * Six processes share a small PC: a young generation of 2 MiB and two helper threads each keep them small, at no cost
 * that the benchmarks show.
 */
const nodeFlags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2', '--v8-pool-size=2'];

export type SupervisorEvents = {
  /** A service ended by itself and is started again. */
  readonly onRestart: (name: ProcessName, why: string) => void;
  /** A warning or worse that a service logged. */
  readonly onNotice: (name: ProcessName, text: string) => void;
};

export type Supervised = {
  readonly name: ProcessName;
  /** Resolves when the service says that it works; rejects with its own sentence when it cannot. */
  readonly ready: Promise<void>;
  readonly pid: number | undefined;
  stop(): Promise<void>;
};

export type SupervisorDeps = {
  readonly logsDir: string;
  readonly cacheDir: string;
  readonly stopMaxMs: number;
  readonly events: SupervisorEvents;
};

/** Runs one service as a plain process, without a shell, and starts it again whenever it ends before `stop`. */
export function supervise(spec: ProcessSpec, deps: SupervisorDeps): Supervised {
  const log = openLog(deps.logsDir, spec.name);
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  let child: ChildProcess;
  let stopping = false;
  let everReady = false;
  let waitMs = restartMinMs;
  let restart: NodeJS.Timeout | undefined;

  const start = (): void => {
    const startedAt = Date.now();
    let lastFault = '';
    child = spawn(process.execPath, [...nodeFlags, spec.script], {
      cwd: root,
      // MALLOC_ARENA_MAX: glibc keeps freed memory for each thread, which adds up (it means nothing to other systems).
      env: { ...process.env, NODE_COMPILE_CACHE: deps.cacheDir, MALLOC_ARENA_MAX: '2', ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // In a group of its own, Ctrl+C in the terminal reaches the launcher alone, which then stops the services in order.
      detached: process.platform !== 'win32',
    });
    const hear = (line: string): void => {
      log.write(`${line}\n`);
      const notice = noticeIn(line);
      if (!notice) return;
      lastFault = notice;
      if (everReady && !stopping) deps.events.onNotice(spec.name, notice);
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', hear);
    child.on('message', (message) => {
      if (message !== 'ready') return;
      everReady = true;
      ready.resolve();
    });
    // 'close' comes after the last line of output, so that the service's own sentence is known.
    child.once('close', (code, signal) => {
      if (stopping) return;
      const why = signal ?? `exit ${code}`;
      if (!everReady && code === settingsExitCode) return ready.reject(new Error(lastFault || why));
      waitMs = Date.now() - startedAt > restartResetMs ? restartMinMs : waitMs;
      if (everReady) deps.events.onRestart(spec.name, why);
      restart = setTimeout(start, waitMs);
      waitMs = Math.min(waitMs * 2, restartMaxMs);
    });
  };
  start();

  return {
    name: spec.name,
    ready: ready.promise,
    get pid() {
      return child.pid;
    },
    async stop() {
      stopping = true;
      clearTimeout(restart);
      await end(child, deps.stopMaxMs);
      log.end();
    },
  };
}

/** Asks the process to stop, over the channel (Windows has no SIGTERM); ends it when it does not in time. */
async function end(child: ChildProcess, stopMaxMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (child.connected) child.send('stop', () => {});
  else child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), stopMaxMs);
  await gone;
  clearTimeout(force);
}

function openLog(dir: string, name: string): WriteStream {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${name}.log`);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logMaxBytes) renameSync(path, `${path}.1`);
  return createWriteStream(path, { flags: 'a', mode: 0o600 });
}

/** The text of a log line that a person should see: errors, and whatever is not a log line (a crash's trace). */
function noticeIn(line: string): string | null {
  try {
    const entry = JSON.parse(line) as { level: number; msg?: string; err?: { message?: string } };
    return entry.level >= 50 ? [entry.msg, entry.err?.message].filter(Boolean).join(': ') : null;
  } catch {
    return line.trim() === '' ? null : line;
  }
}
