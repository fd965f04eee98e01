import type { TimeAnswer } from '../clock.ts';
import type { Draft } from '../draft.ts';

/** What every message handler gets. */
export type MessageContext = {
  readonly draft: Draft;
  readonly machineId: string;
  readonly receivedAt: number;
  readonly retained: boolean;
  /** Judges the machine's own time; its skew is noted and its mark counted once the message proves to be news. */
  time(ts: number): TimeAnswer;
};

/** Parts of a log line that come from the time alone. */
export const timed = (answer: TimeAnswer) => ({
  at: answer.at,
  machineAt: answer.machineAt,
  mark: answer.machineAt === null ? null : ('FLOOR_CLOCK_SKEW' as const),
});
