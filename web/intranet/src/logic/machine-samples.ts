import type { ShopEvents } from '@sgp/shared/api/events';
import type { Machine } from '@sgp/shared/api/machines';

export type Samples = ShopEvents['machine.telemetry']['samples'];

/**
 * The machine with what it measured since: the newest value of each metric, and metrics that it never sent before at the
 * end. Samples that are older than what is known change nothing.
 * @param heardAt when they reached this browser, ms of the server's clock
 */
export function withSamples(machine: Machine, samples: Samples, heardAt: number): Machine {
  if (samples.length === 0) return machine;
  const newest = new Map(machine.metrics.map((metric) => [metric.name, metric]));
  for (const { at, metric, value } of samples) {
    const known = newest.get(metric);
    if (!known || known.at <= at) newest.set(metric, { name: metric, value, at });
  }
  return {
    ...machine,
    metrics: [...newest.values()],
    lastMessageAt: Math.max(machine.lastMessageAt ?? 0, heardAt),
  };
}
