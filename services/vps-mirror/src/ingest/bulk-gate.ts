import { AppError } from '@sgp/shared/errors';
import { mirrorLimits } from '../mirror-limits.ts';

/**
 * Lets few large pushes be worked on at once. After an outage of a whole city every shop brings its backlog; an order that
 * changes now comes in a small push, and waits for none of them.
 */
export type BulkGate = {
  /**
   * @param bytes of the body as it came; a small one passes at once
   * @throws AppError RATE_LIMITED when too many wait: nothing was kept, and the edge comes again
   */
  enter(bytes: number): Promise<Disposable>;
};

const passed: Disposable = { [Symbol.dispose]: () => undefined };

export function createBulkGate(): BulkGate {
  const waiting: (() => void)[] = [];
  let inside = 0;
  const place: Disposable = {
    [Symbol.dispose]() {
      const next = waiting.shift();
      // The place goes on to who has waited longest.
      if (next) next();
      else inside -= 1;
    },
  };
  return {
    async enter(bytes) {
      if (bytes <= mirrorLimits.smallPushMaxBytes) return passed;
      if (inside < mirrorLimits.bulkPushesAtOnceMax) {
        inside += 1;
        return place;
      }
      if (waiting.length >= mirrorLimits.bulkPushesWaitingMax)
        throw new AppError('RATE_LIMITED', 'Many shops bring their backlog now; nothing of this push was kept.', {
          details: { retryAfterS: mirrorLimits.bulkRetryAfterS },
        });
      await new Promise<void>((resolve) => waiting.push(resolve));
      return place;
    },
  };
}
