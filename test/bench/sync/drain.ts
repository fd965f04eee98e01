import type { Workload } from './workload.ts';

/** Draining a backlog: everything was written while the far side was out of reach, then the way opens. */
export type DrainFigures = {
  /** From the first connection after the way opened until the far side had everything, durably where `durable` says so. */
  readonly drainMs: number;
  /** On the wire, as a TCP proxy between both sides counted them. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** What arrived: all revisions, or only the newest of each order. */
  readonly arrived: number;
};

/** One way to get a backlog from a shop to a server. Every `run` starts fresh processes and removes what they wrote. */
export type DrainSubject = {
  readonly name: string;
  /** How it was set up where that decides the figure, for the line that is printed. */
  readonly setup: string;
  /** Why it cannot run on this machine; null when it can. */
  missing(): string | null;
  /** @throws Error when something did not arrive */
  run(workload: Workload): Promise<DrainFigures>;
};
