import type { LogLine } from '@sgp/shared/api/machines';
import type { ErrorCode } from '@sgp/shared/errors';
import type { MachineStatus } from './status.ts';

export type SampleValue = number | boolean | string;
export type NewSample = {
  readonly metric: string;
  readonly at: number;
  readonly skewMs: number;
  readonly value: SampleValue;
};

/** What a batch changed, for the memory and the screens, once it is committed. Keyed by machine; '' is no machine. */
export type Outcome = {
  readonly statuses: ReadonlyMap<string, MachineStatus>;
  readonly metrics: readonly { readonly machineId: string; readonly name: string; readonly metricId: number }[];
  readonly samples: ReadonlyMap<string, readonly NewSample[]>;
  readonly lines: ReadonlyMap<string, readonly LogLine[]>;
  readonly counts: readonly {
    readonly machineId: string;
    readonly day: string;
    readonly good: number;
    readonly scrap: number;
  }[];
  readonly refusals: readonly Refusals[];
  readonly repeats: number;
};
export type Refusals = {
  readonly machineId: string;
  readonly code: ErrorCode;
  readonly count: number;
  readonly lastAt: number;
};
