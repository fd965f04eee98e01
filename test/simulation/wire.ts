import { limits } from '@sgp/shared/limits';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How a line behaves. `half-open`: nothing arrives and nothing fails; `one-way`: requests arrive, answers do not. */
export type Line = 'open' | 'cut' | 'half-open' | 'one-way';

export type WireWeather = {
  line: Line;
  /** Chances per request. */
  lossOfRequest: number;
  lossOfAnswer: number;
  /** The request arrives again, much later: behind newer ones. */
  twice: number;
  latencyMs: number;
  jitterMs: number;
};

export const clearSky = (): WireWeather => ({
  line: 'open',
  lossOfRequest: 0,
  lossOfAnswer: 0,
  twice: 0,
  latencyMs: 5,
  jitterMs: 5,
});

/** What the sender learns when no answer comes. */
export type Silence =
  | { readonly type: 'network-failed'; readonly mayHaveArrived: boolean; readonly detail: string }
  | { readonly type: 'timeout' };

export type Wire = {
  readonly weather: WireWeather;
  /**
   * @param receive the far end: its answer, or null when it died over it
   * @param back hears the answer or the silence, exactly once
   */
  send<Answer>(receive: () => Answer | null, back: (outcome: Answer | Silence) => void): void;
};

const requestTimeoutMs = limits.syncRequestTimeoutMs;

/** @param farAwakeAtMs when the far end answers again, if it hangs: what arrived meanwhile is answered then */
export function createWire(time: VirtualTime, random: Random, farAwakeAtMs: () => number): Wire {
  const weather = clearSky();
  const failed = (mayHaveArrived: boolean): Silence => ({ type: 'network-failed', mayHaveArrived, detail: 'line' });
  /** Nobody waits for the answer any more. */
  const arriveUnheard = (receive: () => unknown): void => {
    const hangs = farAwakeAtMs() - time.now;
    if (hangs > 0) time.later(hangs, () => arriveUnheard(receive));
    else receive();
  };
  return {
    weather,
    send(receive, back) {
      const delay = (): number => weather.latencyMs + random.next() * weather.jitterMs;
      const { line } = weather;
      if (line === 'cut') return time.later(delay(), () => back(failed(false)));
      if (line === 'half-open') return time.later(requestTimeoutMs, () => back({ type: 'timeout' }));
      if (random.chance(weather.lossOfRequest)) {
        // A lost request shows as a broken connection or as silence; its bytes may be on their way all the same.
        const straggles = random.chance(0.3);
        if (straggles) time.later(delay() + random.next() * 60_000, () => arriveUnheard(receive));
        const silent = random.chance(0.5);
        return time.later(silent ? requestTimeoutMs : delay(), () =>
          back(silent ? { type: 'timeout' } : failed(straggles || random.chance(0.5))),
        );
      }
      if (random.chance(weather.twice)) time.later(delay() + random.next() * 60_000, () => arriveUnheard(receive));
      const sentAt = time.now;
      const timeout = (inMs: number): void => time.later(inMs, () => back({ type: 'timeout' }));
      const arrive = (): void => {
        const hangs = farAwakeAtMs() - time.now;
        if (hangs > 0 && farAwakeAtMs() >= sentAt + requestTimeoutMs) {
          arriveUnheard(receive);
          timeout(sentAt + requestTimeoutMs - time.now);
        } else if (hangs > 0) time.later(hangs, arrive);
        else answerWith(receive());
      };
      const answerWith = (answer: ReturnType<typeof receive>): void => {
        const lost = answer === null || random.chance(weather.lossOfAnswer);
        if (line === 'one-way' || (lost && random.chance(0.3))) timeout(requestTimeoutMs);
        else time.later(delay(), () => back(lost ? failed(true) : (answer as never)));
      };
      time.later(delay(), arrive);
    },
  };
}
