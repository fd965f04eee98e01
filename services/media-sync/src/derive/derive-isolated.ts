import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { workLimits } from '../work-limits.ts';
import type { DeriveOutcome, DerivePhoto } from './derive-photo.ts';
import type { IsolatedJob } from './isolated-child.ts';

/**
 * Decodes in a process of its own, which costs a start but survives what sharp does not: the child's death is seen and
 * told as `died`. Used for originals whose earlier decoding has no end on record.
 * @param deps.child module that takes the job; the service's own when left out
 */
export function createDeriveIsolated(deps: {
  readonly mediaDir: string;
  readonly timeZone: string;
  readonly child?: URL;
}): DerivePhoto {
  const child = deps.child ?? new URL('./isolated-child.ts', import.meta.url);
  return (job) =>
    new Promise<DeriveOutcome>((resolve) => {
      const worker = fork(fileURLToPath(child), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      const timer = setTimeout(
        () => end({ outcome: 'died', reason: 'decoding ran out of time' }),
        workLimits.deriveMaxMs,
      );
      const end = (outcome: DeriveOutcome): void => {
        clearTimeout(timer);
        worker.removeAllListeners();
        // A child that is being killed may still report an error of its channel.
        worker.on('error', () => undefined);
        worker.kill('SIGKILL');
        resolve(outcome);
      };
      worker.on('message', (outcome) => end(outcome as DeriveOutcome));
      worker.on('error', (error) => end({ outcome: 'failed', reason: error.message, originalMissing: false }));
      worker.on('exit', (code, signal) => end({ outcome: 'died', reason: `the decoder ended with ${signal ?? code}` }));
      worker.send({ ...job, mediaDir: deps.mediaDir, timeZone: deps.timeZone } satisfies IsolatedJob);
    });
}
