import { AppError } from '@sgp/shared/errors';

/** Counts failures of each address in memory and refuses an address that failed too often (SECURITY 3.8). */
export type FailureLimit = {
  /**
   * Runs `work` unless the address failed too often; a refusal of `work` counts.
   * @throws AppError RATE_LIMITED with `details.retryAfterS`
   */
  watch<T>(address: string, work: () => T | Promise<T>): Promise<T>;
};

export function createFailureLimit(options: {
  readonly failuresMax: number;
  readonly windowMs: number;
  readonly addressesMax: number;
  readonly now: () => number;
}): FailureLimit {
  // In order of their first failure, so that the oldest is the first.
  const failures = new Map<string, { count: number; readonly endsAt: number }>();

  function current(address: string): { count: number; readonly endsAt: number } | undefined {
    const entry = failures.get(address);
    if (entry && options.now() >= entry.endsAt) {
      failures.delete(address);
      return undefined;
    }
    return entry;
  }

  function count(address: string): void {
    const entry = current(address);
    if (entry) {
      entry.count += 1;
      return;
    }
    const [oldest] = failures.keys();
    if (oldest !== undefined && failures.size >= options.addressesMax) failures.delete(oldest);
    failures.set(address, { count: 1, endsAt: options.now() + options.windowMs });
  }

  return {
    async watch(address, work) {
      const entry = current(address);
      if (entry && entry.count >= options.failuresMax)
        throw new AppError('RATE_LIMITED', 'Too many failed tries from this address; wait and try again.', {
          details: { retryAfterS: Math.ceil((entry.endsAt - options.now()) / 1000) },
        });
      try {
        return await work();
      } catch (error) {
        if (error instanceof AppError) count(address);
        throw error;
      }
    },
  };
}
