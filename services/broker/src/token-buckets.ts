import { brokerLimits } from './broker-limits.ts';
import { createKeyedMemory } from './keyed-memory.ts';

/** Token buckets by key: `burst` at once, then `perSecond`. */
export type TokenBuckets = {
  /** Takes a token if there is one. */
  tryTake(key: string): boolean;
  /** Takes a token even if there is none, and says in how many milliseconds it will have been earned. */
  takeAndWaitMs(key: string): number;
};

export function createTokenBuckets(
  rate: { readonly perSecond: number; readonly burst: number },
  nowMs: () => number = Date.now,
): TokenBuckets {
  const buckets = createKeyedMemory<{ tokens: number; at: number }>(brokerLimits.rememberedKeysMax);
  const filled = (key: string): { tokens: number; at: number } => {
    const now = nowMs();
    const known = buckets.get(key);
    if (!known) {
      const bucket = { tokens: rate.burst, at: now };
      buckets.set(key, bucket);
      return bucket;
    }
    // A clock that was set back earns nothing, and takes nothing away.
    const earned = (Math.max(0, now - known.at) / 1000) * rate.perSecond;
    known.tokens = Math.min(rate.burst, known.tokens + earned);
    known.at = now;
    return known;
  };
  return {
    tryTake(key) {
      const bucket = filled(key);
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
    takeAndWaitMs(key) {
      const bucket = filled(key);
      bucket.tokens -= 1;
      return bucket.tokens >= 0 ? 0 : Math.ceil((-bucket.tokens / rate.perSecond) * 1000);
    },
  };
}
