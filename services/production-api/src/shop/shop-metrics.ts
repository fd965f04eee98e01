import type { Metrics } from '@sgp/service-kit/metrics';
import { Counter, Gauge } from 'prom-client';

/** What is counted of the shop's own work. */
export type ShopMetrics = { readonly orderVersions: Pick<Counter, 'inc'> };

export function createShopMetrics(metrics: Metrics, openStreams: () => number): ShopMetrics {
  const registers = [metrics.registry];
  new Gauge({
    name: 'sgp_event_streams',
    help: 'Open event streams of browsers',
    registers,
    collect() {
      this.set(openStreams());
    },
  });
  return {
    orderVersions: new Counter({ name: 'sgp_order_versions_total', help: 'Versions of orders written', registers }),
  };
}
