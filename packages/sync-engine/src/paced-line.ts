import { limits } from '@sgp/shared/limits';
import type { LinkPort, Push, PushOutcome } from './ports.ts';

export type PacedLine = {
  push(push: Push): Promise<PushOutcome>;
  /** Pushes that wait for their turn never go. */
  stop(): void;
};

/**
 * The link with an upper bound on its bytes per second (`SYNC_MAX_KBPS`). A push is never cut: it waits until what the
 * ones before it cost is paid. Slow pushes make the next batches smaller, so that the waits become short.
 */
export function createPacedLine(deps: {
  readonly link: Pick<LinkPort, 'push'>;
  readonly maxBytesPerS: number | null;
  readonly now: () => number;
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
}): PacedLine {
  const { link, maxBytesPerS } = deps;
  if (maxBytesPerS === null) return { push: link.push, stop: () => undefined };
  const bucket = createTokenBucket(maxBytesPerS);
  const cancels = new Set<() => void>();

  const pause = (delayMs: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = deps.setTimer(delayMs, () => {
      cancels.delete(cancel);
      resolve();
    });
    cancels.add(cancel);
    return promise;
  };

  return {
    async push(push) {
      const estimate = bytesOf(push);
      const waitMs = bucket.spend(estimate, deps.now());
      if (waitMs > 0) await pause(waitMs);
      const outcome = await link.push(push);
      // What compression saved is given back.
      if (outcome.type === 'acked') bucket.spend(outcome.bytes - estimate, deps.now());
      return outcome;
    },
    stop() {
      for (const cancel of cancels) cancel();
    },
  };
}

const bytesOf = ({ changes }: Push): number => changes.reduce((sum, { payload }) => sum + payload.length, 0);

/** May go into debt; at most the worth of one second is saved up. */
export function createTokenBucket(maxBytesPerS: number): {
  /** @returns how long to wait, in ms, until what was spent before is paid; negative bytes are given back */
  spend(bytes: number, nowMs: number): number;
} {
  let balance = maxBytesPerS;
  let at: number | null = null;
  return {
    spend(bytes, nowMs) {
      // A clock that was set back pays nothing for that time.
      const passedMs = at === null ? 0 : Math.max(0, nowMs - at);
      at = nowMs;
      balance = Math.min(maxBytesPerS, balance + (passedMs * maxBytesPerS) / 1000);
      const debt = Math.max(0, -balance);
      balance -= bytes;
      return Math.min(limits.syncRatePauseMaxMs, Math.ceil((debt * 1000) / maxBytesPerS));
    },
  };
}
