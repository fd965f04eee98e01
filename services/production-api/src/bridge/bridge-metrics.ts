import type { Metrics } from '@sgp/service-kit/metrics';
import type { SyncStatus } from '@sgp/shared/sync';
import type { LinkPort, OutboxPort } from '@sgp/sync-engine/ports';
import { Counter, Gauge, Histogram } from 'prom-client';

export type BridgeMetrics = {
  /** The link with its pushes counted and timed. */
  measureLink(link: LinkPort): LinkPort;
  /** The queue with its acknowledgements counted. */
  measureQueue(queue: OutboxPort): OutboxPort;
  showStatus(status: SyncStatus): void;
};

/** What an operator watches of the sync; names and units in docs/sync-protocol.md §8. */
export function createBridgeMetrics({ registry }: Metrics, now: () => number): BridgeMetrics {
  const registers = [registry];
  const pushes = new Counter({
    name: 'sgp_sync_pushes_total',
    help: 'Pushes by how they ended',
    labelNames: ['ending'],
    registers,
  });
  const pushSeconds = new Histogram({
    name: 'sgp_sync_push_seconds',
    help: 'Time from signing a push to its answer',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 15],
    registers,
  });
  const changes = new Counter({
    name: 'sgp_sync_changes_total',
    help: 'Changes by what the Core did',
    labelNames: ['outcome'],
    registers,
  });
  const bytes = new Counter({ name: 'sgp_sync_sent_bytes_total', help: 'Bytes of acknowledged pushes', registers });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const pending = gauge('sgp_sync_pending_changes', 'Changes that wait for the cloud');
  const oldest = gauge('sgp_sync_oldest_pending_seconds', 'Age of the oldest waiting change');
  const parked = gauge('sgp_sync_parked_changes', 'Changes kept aside with a reason');
  const ackedSeq = gauge('sgp_sync_acked_seq', 'At or below it everything is on the Core');
  const skew = gauge('sgp_sync_clock_skew_seconds', 'Our clock minus the clock of the Core');
  return {
    measureLink: (link) => ({
      async push(push) {
        const end = pushSeconds.startTimer();
        const outcome = await link.push(push);
        end();
        pushes.inc({ ending: outcome.type === 'refused' ? outcome.code : outcome.type });
        return outcome;
      },
    }),
    measureQueue: (queue) => ({
      ...queue,
      async deliver(delivery) {
        await queue.deliver(delivery);
        for (const { outcome } of delivery.done) changes.inc({ outcome });
        changes.inc({ outcome: 'parked' }, delivery.parked.length);
        bytes.inc(delivery.bytes);
      },
    }),
    showStatus(status) {
      pending.set(status.pendingChanges);
      oldest.set(status.oldestPendingAt === null ? 0 : Math.max(0, now() - status.oldestPendingAt) / 1000);
      parked.set(status.parkedChanges);
      ackedSeq.set(status.ackedSeq);
      if (status.clockSkewMs !== null) skew.set(status.clockSkewMs / 1000);
    },
  };
}
