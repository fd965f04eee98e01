import type { Metrics } from '@sgp/service-kit/metrics';
import { Counter, Histogram } from 'prom-client';
import type { FloorEntry } from './floor-entry.ts';
import type { Outcome } from './outcome.ts';

export type FloorMetrics = {
  readonly commitSeconds: Pick<Histogram, 'startTimer'>;
  committed(entries: readonly FloorEntry[], outcome: Outcome): void;
  /** Messages of QoS 0 that were left out because the database could not store and too much was held. */
  dropped(messages: number): void;
};

export function createFloorMetrics({ registry }: Metrics): FloorMetrics {
  const registers = [registry];
  const messages = new Counter({
    name: 'sgp_floor_messages_total',
    help: 'Messages of the floor by kind, repeats included',
    labelNames: ['kind'],
    registers,
  });
  const samples = new Counter({ name: 'sgp_floor_samples_total', help: 'Telemetry samples stored', registers });
  const repeats = new Counter({
    name: 'sgp_floor_repeats_total',
    help: 'Samples and messages that were stored before and left out',
    registers,
  });
  const refused = new Counter({
    name: 'sgp_floor_refused_total',
    help: 'Messages refused or marked, by code',
    labelNames: ['code'],
    registers,
  });
  const dropped = new Counter({
    name: 'sgp_floor_dropped_total',
    help: 'QoS 0 messages left out while the database could not store and the hold was full',
    registers,
  });
  const commitSeconds = new Histogram({
    name: 'sgp_floor_commit_seconds',
    help: 'Time from a batch to its commit',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
    registers,
  });
  return {
    commitSeconds,
    committed(entries, outcome) {
      const kinds = new Map<string, number>();
      for (const { kind } of entries) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      for (const [kind, count] of kinds) messages.inc({ kind }, count);
      for (const fresh of outcome.samples.values()) samples.inc(fresh.length);
      repeats.inc(outcome.repeats);
      for (const { code, count } of outcome.refusals) refused.inc({ code }, count);
    },
    dropped: (messages) => dropped.inc(messages),
  };
}
