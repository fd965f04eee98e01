import { type ReadonlySignal, signal } from '@preact/signals';

/** Whether the local server answers. `away` turns every screen grey and takes the save buttons off. */
export type Contact = {
  readonly state: ReadonlySignal<'here' | 'away'>;
  /** When the server last answered, in its own clock, ms; null before the first answer. */
  readonly lastHeardAt: ReadonlySignal<number | null>;
  /** Server's clock minus this browser's, ms: ages on the screen follow the server. */
  readonly skewMs: ReadonlySignal<number>;
  readonly heard: (serverTime: number | null) => void;
  readonly silent: () => void;
};

/** A `Date` header has whole seconds and travels: smaller differences are noise. */
const SKEW_NOISE_MS = 3_000;

export function createContact(clock: () => number): Contact {
  const state = signal<'here' | 'away'>('here');
  const lastHeardAt = signal<number | null>(null);
  const skewMs = signal(0);
  return {
    state,
    lastHeardAt,
    skewMs,
    heard: (serverTime) => {
      if (serverTime !== null && Number.isFinite(serverTime)) {
        const skew = serverTime - clock();
        if (Math.abs(skew - skewMs.peek()) > SKEW_NOISE_MS) skewMs.value = Math.abs(skew) > SKEW_NOISE_MS ? skew : 0;
      }
      lastHeardAt.value = clock() + skewMs.peek();
      state.value = 'here';
    },
    silent: () => {
      state.value = 'away';
    },
  };
}
