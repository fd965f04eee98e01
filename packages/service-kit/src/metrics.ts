import { collectDefaultMetrics, Registry } from 'prom-client';

export type Metrics = { readonly registry: Registry };

/** A registry of this process with Node's own metrics; services add theirs with `registers: [metrics.registry]` and the prefix `sgp_`. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return { registry };
}
