import type { Metrics } from '@sgp/service-kit/metrics';
import { Counter } from 'prom-client';
import type { Position } from './down-position.ts';

export type DownlinkMetrics = {
  told(changes: number): void;
  placed(kind: Position['kind']): void;
};

export function createDownlinkMetrics({ registry }: Metrics): DownlinkMetrics {
  const told = new Counter({
    name: 'sgp_mirror_down_changes_total',
    help: 'Changes that were told to establishments',
    registers: [registry],
  });
  const begun = new Counter({
    name: 'sgp_mirror_down_numberings_total',
    help: 'New numberings of an establishment: the Core was restored, or a node had to hear everything anew',
    labelNames: ['why'],
    registers: [registry],
  });
  return {
    told: (changes) => told.inc(changes),
    placed: (kind) => {
      if (kind !== 'present') begun.inc({ why: kind });
    },
  };
}
