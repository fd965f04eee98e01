import type { Log } from '@sgp/service-kit/log';
import { mirrorLimits } from './mirror-limits.ts';

/** Something that keeps rows only for a time. */
export type Purger = { purge(nowMs: number): Promise<void> };

/** Deletes what has had its time, once at start and then regularly; a failure is logged and tried again. */
export function startHousekeeping(purgers: readonly Purger[], log: Log, now: () => number): Disposable {
  const sweep = async (): Promise<void> => {
    for (const purger of purgers) await purger.purge(now());
  };
  const run = (): void => {
    sweep().catch((err: unknown) => log.warn({ err }, 'old rows could not be deleted; tried again later'));
  };
  run();
  const timer = setInterval(run, mirrorLimits.housekeepingIntervalMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
