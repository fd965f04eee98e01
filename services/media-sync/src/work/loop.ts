import type { Log } from '@sgp/service-kit/log';
import { workLimits } from '../work-limits.ts';

/** What a loop found to do, or when to look again (milliseconds since 1970; null: when it is woken). */
export type Next<Job> = { readonly job: Job } | { readonly job: null; readonly lookAgainAt: number | null };

export type LoopOptions<Job> = {
  readonly name: string;
  readonly atOnce: number;
  /** Called one at a time. */
  readonly take: () => Promise<Next<Job>>;
  /** Expected to handle what can go wrong; what it throws is logged, and the loop goes on after a pause. */
  readonly work: (job: Job) => Promise<void>;
  readonly log: Pick<Log, 'error'>;
};

/** Takes jobs and works on up to `atOnce` of them, until it is disposed. */
export type Loop = AsyncDisposable & {
  /** There may be something to do. */
  wake(): void;
};

/** After an error nobody expected, for example a locked database: long enough not to fill the log. */
const pauseAfterErrorMs = 1_000;

export function startLoop<Job>(options: LoopOptions<Job>): Loop {
  const working = new Set<Promise<void>>();
  let open = true;
  let woken = Promise.withResolvers<void>();
  const wake = (): void => woken.resolve();

  const begin = (job: Job): void => {
    const work = options
      .work(job)
      .catch((err: unknown) => options.log.error({ err, loop: options.name }, 'work failed unexpectedly'))
      .then(() => {
        // The place is free before the wake-up: a loop that looked in between would sleep over it.
        working.delete(work);
        wake();
      });
    working.add(work);
  };
  const waitUntil = async (at: number | null): Promise<void> => {
    const idleMs = Math.min(Math.max((at ?? Number.MAX_SAFE_INTEGER) - Date.now(), 0), workLimits.idlePollMaxMs);
    const timer = setTimeout(wake, idleMs);
    await woken.promise;
    clearTimeout(timer);
  };
  const run = async (): Promise<void> => {
    while (open) {
      // Renewed before looking: a wake-up between the look and the wait is not lost.
      woken = Promise.withResolvers<void>();
      if (working.size >= options.atOnce) {
        await waitUntil(null);
        continue;
      }
      const next = await options.take().catch((err: unknown): Next<Job> => {
        options.log.error({ err, loop: options.name }, 'could not look for work');
        return { job: null, lookAgainAt: Date.now() + pauseAfterErrorMs };
      });
      if ('lookAgainAt' in next) {
        if (open) await waitUntil(next.lookAgainAt);
        continue;
      }
      begin(next.job);
    }
  };
  const running = run();
  return {
    wake,
    async [Symbol.asyncDispose]() {
      open = false;
      wake();
      await running;
      await Promise.all(working);
    },
  };
}
