import type { Machine } from '@sgp/shared/api/machines';
import type { ErrorCode } from '@sgp/shared/errors';
import type { Outcome, SampleValue } from './outcome.ts';
import { type MachineStatus, unheardStatus } from './status.ts';

/** How every machine stands now, in memory: what the list and the events are made from. The database is the truth. */
export type LiveMachines = {
  status(machineId: string): MachineStatus;
  metricId(machineId: string, name: string): number | undefined;
  metricCount(machineId: string): number;
  /** Last value of each metric, by name. */
  metrics(machineId: string): Machine['metrics'];
  today(machineId: string, day: string): Machine['today'];
  /** Messages that were refused, without those that were only marked. */
  refusedCount(machineId: string): number;
  /** Latest filed time of any machine; null when none ever spoke. */
  lastHeardAt(): number | null;
  /** Takes over what a committed batch changed. */
  apply(outcome: Outcome): void;
};
export type LastValue = { readonly at: number; readonly value: SampleValue };
export type KnownMetric = {
  readonly machineId: string;
  readonly name: string;
  readonly metricId: number;
  readonly last: LastValue | null;
};
export type KnownFloor = {
  readonly statuses: ReadonlyMap<string, MachineStatus>;
  readonly metrics: readonly KnownMetric[];
  readonly counts: Outcome['counts'];
  readonly refusals: Outcome['refusals'];
};

type Metric = { readonly metricId: number; last: LastValue | null };
type MachineMemory = {
  status: MachineStatus;
  readonly metrics: Map<string, Metric>;
  today: { readonly day: string; readonly good: number; readonly scrap: number } | null;
  refused: number;
};

/** Marks are no refusals: the message was kept. */
const marks: ReadonlySet<ErrorCode> = new Set(['FLOOR_CLOCK_SKEW']);

/** @param known what the database knew at start */
export function createLiveMachines(known: KnownFloor): LiveMachines {
  const machines = new Map<string, MachineMemory>();
  let lastHeardAt: number | null = null;
  const memoryOf = (machineId: string): MachineMemory => {
    const found = machines.get(machineId);
    if (found) return found;
    const fresh: MachineMemory = { status: unheardStatus, metrics: new Map(), today: null, refused: 0 };
    machines.set(machineId, fresh);
    return fresh;
  };
  const apply = (change: Omit<KnownFloor, 'metrics'>): void => {
    for (const [machineId, status] of change.statuses) {
      memoryOf(machineId).status = status;
      if (status.lastMessageAt !== null) lastHeardAt = Math.max(lastHeardAt ?? 0, status.lastMessageAt);
    }
    for (const { machineId, day, good, scrap } of change.counts) {
      const memory = memoryOf(machineId);
      if (memory.today && memory.today.day > day) continue;
      const before = memory.today?.day === day ? memory.today : { good: 0, scrap: 0 };
      memory.today = { day, good: before.good + good, scrap: before.scrap + scrap };
    }
    for (const { machineId, code, count } of change.refusals)
      if (!marks.has(code)) memoryOf(machineId).refused += count;
  };
  for (const { machineId, name, metricId, last } of known.metrics)
    memoryOf(machineId).metrics.set(name, { metricId, last });
  apply(known);

  return {
    status: (machineId) => machines.get(machineId)?.status ?? unheardStatus,
    metricId: (machineId, name) => machines.get(machineId)?.metrics.get(name)?.metricId,
    metricCount: (machineId) => machines.get(machineId)?.metrics.size ?? 0,
    metrics(machineId) {
      const metrics = machines.get(machineId)?.metrics ?? new Map<string, Metric>();
      return [...metrics]
        .flatMap(([name, { last }]) => (last ? [{ name, value: last.value, at: last.at }] : []))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    today(machineId, day) {
      const today = machines.get(machineId)?.today;
      return today?.day === day ? { good: today.good, scrap: today.scrap } : { good: 0, scrap: 0 };
    },
    refusedCount: (machineId) => machines.get(machineId)?.refused ?? 0,
    lastHeardAt: () => lastHeardAt,
    apply(outcome) {
      for (const { machineId, name, metricId } of outcome.metrics)
        memoryOf(machineId).metrics.set(name, { metricId, last: null });
      for (const [machineId, samples] of outcome.samples) {
        const { metrics } = memoryOf(machineId);
        for (const { metric, at, value } of samples) {
          const known = metrics.get(metric);
          if (known && (!known.last || at >= known.last.at)) known.last = { at, value };
        }
      }
      apply(outcome);
    },
  };
}
