import { type Hlc, hlcNodeOf, hlcObserve, hlcTick, hlcZero } from '@sgp/shared/clock';

/** Stamps what the Core writes. */
export type CoreClock = {
  /** A stamp after every one that it gave, and after those that the writer saw. */
  stamp(seen: readonly (Hlc | null)[]): Hlc;
};

/** @param processId of this process alone, so that no two replicas give one stamp */
export function createCoreClock(processId: string, now: () => number): CoreClock {
  const node = hlcNodeOf(processId);
  let state = hlcZero;
  return {
    stamp(seen) {
      for (const each of seen) if (each !== null) state = hlcObserve(state, each);
      const [next, stamp] = hlcTick(state, now(), node);
      state = next;
      return stamp;
    },
  };
}
