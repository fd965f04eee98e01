import type { LineContent } from './log-line.ts';
import type { MachineStatus } from './status.ts';

/** Rows of telemetry.db and what a transaction on it can do: the port that both engines' writers implement. */

export type SampleRow = {
  readonly metricId: number;
  readonly at: number;
  /** The machine's own time minus `at`; 0 where its time was believed. */
  readonly skewMs: number;
  readonly number: number | null;
  readonly word: string | null;
};
export type LineRow = LineContent & { readonly machineId: string; readonly messageKey: string };
export type DeliveryRow = {
  readonly lineId: number;
  readonly machineId: string;
  readonly messageId: string;
  readonly orderId: string;
  readonly good: number;
  readonly scrap: number;
  readonly at: number;
};

/** What one commit of floor messages may do, on either engine. Repeats are told, never an error. */
export type TelemetryTx = {
  /** @returns for each row whether it is new; a repeat was left out */
  insertSamples(rows: readonly SampleRow[]): Promise<readonly boolean[]>;
  createMetric(machineId: string, name: string): Promise<number>;
  /** @returns the line's id; null when this message was stored before */
  insertLine(row: LineRow): Promise<number | null>;
  /** Is there a line whose key lies in the range, ends included? */
  hasLine(machineId: string, kind: LineRow['kind'], fromKey: string, toKey: string): Promise<boolean>;
  /** The machine's own time of a stored line; null when there is none. */
  lineTime(machineId: string, kind: LineRow['kind'], messageKey: string): Promise<number | null>;
  /** The newest state line at or before `at`. */
  stateBefore(machineId: string, at: number): Promise<{ readonly code: string; readonly text: string } | null>;
  addCount(machineId: string, day: string, good: number, scrap: number): Promise<void>;
  addDelivery(row: DeliveryRow): Promise<void>;
  addRefusals(machineId: string, code: string, count: number, lastAt: number): Promise<void>;
  saveStatus(machineId: string, status: MachineStatus): Promise<void>;
};
export type TelemetryWriter = {
  /** All of `work` or, when it rejects, nothing. On the disk when it resolves. */
  transaction<Result>(work: (tx: TelemetryTx) => Promise<Result>): Promise<Result>;
};
