import type { Metrics } from '@sgp/service-kit/metrics';
import { Counter, Gauge } from 'prom-client';
import type { Delivery } from './alert-outbox.ts';

export type AlertMetrics = {
  delivered(channel: Delivery['channel'], outcome: 'sent' | 'again' | 'given-up'): void;
  watched(establishments: number, away: number): void;
};

export function createAlertMetrics({ registry }: Metrics): AlertMetrics {
  const deliveries = new Counter({
    name: 'sgp_mirror_alerts_total',
    help: 'Tries to tell people of an outage or its end, by channel and outcome',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  });
  const establishments = new Gauge({
    name: 'sgp_mirror_establishments',
    help: 'Establishments with an active node, by contact; from the replica that watches',
    labelNames: ['contact'],
    registers: [registry],
  });
  return {
    delivered: (channel, outcome) => deliveries.inc({ channel, outcome }),
    watched(all, away) {
      establishments.set({ contact: 'here' }, all - away);
      establishments.set({ contact: 'away' }, away);
    },
  };
}
