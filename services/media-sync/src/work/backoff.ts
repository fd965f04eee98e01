import { limits } from '@sgp/shared/limits';

/**
 * How long to wait after `failures` failures in a row: exponential, with jitter over the upper half, so that the shops of one
 * VPS do not come back all at once.
 * @param random 0 to 1
 * @returns milliseconds between `mediaRetryMinMs` and `mediaRetryMaxMs`
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(limits.mediaRetryMaxMs, limits.mediaRetryMinMs * 2 ** Math.min(Math.max(failures, 1), 30));
  return Math.round(Math.max(limits.mediaRetryMinMs, ceiling * (0.5 + random / 2)));
}

/**
 * The way to the store. While it is closed nothing is tried; then one photo at a time tries it, until one gets through.
 * So an outage of an hour costs a few requests, not one for each photo, and afterwards no photo waits for its own timer.
 */
export type Gate = {
  /** How many photos may be on the way at once now, and when to look again if that is none. */
  allowed(nowMs: number): { readonly atOnce: number; readonly lookAgainAt: number | null };
  succeeded(): void;
  failed(nowMs: number): void;
  /** The store is there and asks to wait this long, in milliseconds: no failure, and nobody tries before. */
  postponed(nowMs: number, waitMs: number): void;
  /** Something tells that the way may be free again. */
  reset(): void;
  readonly failures: number;
};

export function createGate(atOnceMax: number): Gate {
  let failures = 0;
  let closedUntil = 0;
  const reset = (): void => {
    closedUntil = 0;
  };
  return {
    allowed: (nowMs) =>
      nowMs < closedUntil
        ? { atOnce: 0, lookAgainAt: closedUntil }
        : { atOnce: failures > 0 ? 1 : atOnceMax, lookAgainAt: null },
    succeeded() {
      failures = 0;
      reset();
    },
    failed(nowMs) {
      // The second of two that were on the way together tells nothing new.
      if (nowMs < closedUntil) return;
      failures += 1;
      closedUntil = nowMs + backoffMs(failures, Math.random());
    },
    postponed(nowMs, waitMs) {
      closedUntil = Math.max(closedUntil, nowMs + Math.min(waitMs, limits.mediaRetryMaxMs));
    },
    reset,
    get failures() {
      return failures;
    },
  };
}
