import { AppError } from '@sgp/shared/errors';
import { mirrorLimits } from '../mirror-limits.ts';

/**
 * Token bucket for each node (SECURITY 3.8): a sustained rate above a reserve that lets what gathered during an outage
 * through at once. Entries are only made for nodes whose signature was right, so their number is bounded by theirs.
 */
export type NodeLimiter = {
  /** @throws AppError RATE_LIMITED with the wait */
  take(nodeId: string): void;
};

type Rate = { readonly maxPerSecond: number; readonly reserveMax: number; readonly refusal: string };

function createNodeLimiter({ maxPerSecond, reserveMax, refusal }: Rate, now: () => number): NodeLimiter {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>();
  return {
    take(nodeId) {
      const at = now();
      const bucket = buckets.get(nodeId) ?? { left: reserveMax, at };
      const refilled = bucket.left + ((at - bucket.at) / 1000) * maxPerSecond;
      const left = Math.min(reserveMax, refilled);
      if (left < 1) throw new AppError('RATE_LIMITED', refusal, { details: { retryAfterS: 1 } });
      buckets.set(nodeId, { left: left - 1, at });
    },
  };
}

/** Pushes: the edge gathers more changes into its next one while it waits. */
export const createPushLimiter = (now: () => number): NodeLimiter =>
  createNodeLimiter(
    {
      maxPerSecond: mirrorLimits.pushesPerNodeMaxPerSecond,
      reserveMax: mirrorLimits.pushesPerNodeReserveMax,
      refusal: 'This node pushes too often; nothing of this push was kept.',
    },
    now,
  );

/** Calls of one company token. */
export const createCompanyLimiter = (now: () => number): NodeLimiter =>
  createNodeLimiter(
    {
      maxPerSecond: mirrorLimits.companyCallsMaxPerSecond,
      reserveMax: mirrorLimits.companyCallsReserveMax,
      refusal: 'This token calls too often; nothing was changed by this call.',
    },
    now,
  );

/** Writing and removing photos; of its own, so that a node's photos never hold up its orders. */
export const createMediaLimiter = (now: () => number): NodeLimiter =>
  createNodeLimiter(
    {
      maxPerSecond: mirrorLimits.mediaWritesPerNodeMaxPerSecond,
      reserveMax: mirrorLimits.mediaWritesPerNodeReserveMax,
      refusal: 'This node writes photos too often; nothing was changed by this call.',
    },
    now,
  );
