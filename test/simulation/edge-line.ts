import { limits } from '@sgp/shared/limits';
import type { ProcessClock } from './clock.ts';
import type { Mutant } from './rules.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Silence, Wire } from './wire.ts';

export type SignedLine = {
  /**
   * A signed call. It always ends within its time limit, which a process that hung finds passed when it goes on.
   * @param receive the Core, told when the call was signed by the edge's clock
   */
  call<Answer>(
    signOffsetMs: number,
    receive: (createdMs: number) => Answer | null,
    back: (outcome: Answer | Silence) => void,
  ): void;
};

export const createSignedLine = (deps: {
  readonly time: VirtualTime;
  readonly clock: ProcessClock;
  readonly wire: Wire;
  readonly mutant: Mutant | null;
}): SignedLine => ({
  call(signOffsetMs, receive, back) {
    const { time, clock, wire, mutant } = deps;
    const sentAt = time.now;
    const createdMs = clock.wall() + (mutant === 'core-time-ignored' ? 0 : signOffsetMs);
    wire.send(
      () => receive(createdMs),
      (outcome) => {
        const isLate = clock.awakeAtMs > time.now && clock.awakeAtMs - sentAt > limits.syncRequestTimeoutMs;
        clock.awake(() => back(isLate ? { type: 'timeout' } : outcome));
      },
    );
  },
});
