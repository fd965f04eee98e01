import { AppError } from '@sgp/shared/errors';
import { mirrorLimits } from '../mirror-limits.ts';

/**
 * Token bucket for each node (SECURITY 3.8): ten pushes a second sustained, above a reserve that lets a long outage's
 * queue through at once. Entries are only made for nodes whose API key was right, so their number is bounded by theirs.
 */
export type PushLimiter = {
  /** @throws AppError RATE_LIMITED with the wait; the edge gathers more changes into its next push */
  take(nodeId: string): void;
};

export function createPushLimiter(now: () => number): PushLimiter {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>();
  return {
    take(nodeId) {
      const at = now();
      const bucket = buckets.get(nodeId) ?? { left: mirrorLimits.pushesPerNodeReserveMax, at };
      const refilled = bucket.left + ((at - bucket.at) / 1000) * mirrorLimits.pushesPerNodeMaxPerSecond;
      const left = Math.min(mirrorLimits.pushesPerNodeReserveMax, refilled);
      if (left < 1)
        throw new AppError('RATE_LIMITED', 'This node pushes too often; nothing of this push was kept.', {
          details: { retryAfterS: 1 },
        });
      buckets.set(nodeId, { left: left - 1, at });
    },
  };
}
