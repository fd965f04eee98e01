import type { VirtualTime } from './virtual-time.ts';

/** The clock and the attention of one process on one machine. True time is that of `VirtualTime`, which no process sees. */
export type ProcessClock = {
  /** What the machine takes for the time, in ms since 1970. It may jump; timers do not follow it. */
  wall(): number;
  set(offsetMs: number): void;
  /** The process answers nothing for so long, and forgets nothing. */
  hang(forMs: number): void;
  /** When it answers again, in true time. */
  readonly awakeAtMs: number;
  /** Runs at once, or when the process answers again, in the order in which it was asked for. */
  awake(run: () => void): void;
};

export function createProcessClock(time: VirtualTime): ProcessClock {
  let offsetMs = 0;
  let awakeAtMs = 0;
  const awake = (run: () => void): void => {
    if (time.now >= awakeAtMs) run();
    else time.later(awakeAtMs - time.now, () => awake(run));
  };
  return {
    wall: () => time.now + offsetMs,
    set(next) {
      offsetMs = next;
    },
    hang(forMs) {
      awakeAtMs = Math.max(awakeAtMs, time.now + forMs);
    },
    get awakeAtMs() {
      return awakeAtMs;
    },
    awake,
  };
}
