import { limits } from '@sgp/shared/limits';

/**
 * Exponential backoff with equal jitter: half of the delay is certain, half is random, so that the nodes of a company do
 * not come back in step (Brooker, "Exponential Backoff And Jitter", 2015).
 * @param step 0 for the first retry
 * @param random in [0, 1)
 * @returns milliseconds
 */
export function backoffMs(step: number, random: number): number {
  const ceiling = Math.min(limits.syncBackoffMaxMs, limits.syncBackoffMinMs * 2 ** Math.min(step, 30));
  return Math.round(ceiling * (0.5 + random / 2));
}
