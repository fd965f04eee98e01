import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openLogFile } from './log-file.ts';
import type { ProcessName, ProcessSpec } from './plan.ts';
import { root } from './root.ts';

/** Exit code of a service whose settings cannot work: starting it again would not help. */
const settingsExitCode = 2;
const restartMinMs = 100;
const restartMaxMs = 5_000;
/** A process that lived this long starts anew without a longer wait. */
const restartResetMs = 30_000;
/** A service that ended this often before it ever worked will not work: its own last words are told instead. */
const firstStartTriesMax = 3;
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
  const log = openLogFile(deps.logsDir, spec.name);
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  let child: ChildProcess;
  let stopping = false;
  let everReady = false;
  let failedStarts = 0;
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
      log.write(line);
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
    const ended = (why: string, code: number | null): void => {
      if (stopping) return;
      failedStarts += 1;
      if (!everReady && (code === settingsExitCode || failedStarts >= firstStartTriesMax)) {
        ready.reject(new Error(lastFault || why));
        return;
      }
      waitMs = Date.now() - startedAt > restartResetMs ? restartMinMs : waitMs;
      if (everReady) deps.events.onRestart(spec.name, why);
      restart = setTimeout(start, waitMs);
      waitMs = Math.min(waitMs * 2, restartMaxMs);
    };
    // 'close' comes after the last line of output, so that the service's own sentence is known.
    child.once('close', (code, signal) => ended(signal ?? `exit ${code}`, code));
    child.once('error', (error) => {
      if (child.pid === undefined) ended(error.message, null);
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
      log.close();
    },
  };
}

/** Asks the process to stop, over the channel (Windows has no SIGTERM); ends it when it does not in time. */
async function end(child: ChildProcess, stopMaxMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (child.connected) child.send('stop', () => {});
  else child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), stopMaxMs);
  await gone;
  clearTimeout(force);
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
