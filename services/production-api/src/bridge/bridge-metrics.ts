import type { Metrics } from '@sgp/service-kit/metrics';
import { lanes, type SyncStatus } from '@sgp/shared/sync';
import type { DigestQuestion } from '@sgp/sync-engine/compare-state';
import type { DownFacts } from '@sgp/sync-engine/downlink-state';
import type { OutboxPort } from '@sgp/sync-engine/ports';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { OutboxCounts } from '../outbox/outbox-head.ts';
import type { MirrorLink } from './mirror-link.ts';

export type BridgeMetrics = {
  /** The link with its pushes counted and timed. */
  measureLink(link: MirrorLink): MirrorLink;
  /** The queue with its acknowledgements counted. */
  measureQueue(queue: OutboxPort): OutboxPort;
  showStatus(status: SyncStatus): void;
  showCounts(counts: OutboxCounts): void;
  showOpenConflicts(open: number): void;
  showDownlink(facts: DownFacts): void;
  readonly compare: {
    round(level: DigestQuestion['level']): void;
    compared(
      ending: string,
      found: { readonly requeued: number; readonly repairs: number; readonly unknown: number },
    ): void;
  };
};

/** What an operator watches of the sync; names and units in docs/sync-protocol.md §11.3. */
export function createBridgeMetrics({ registry }: Metrics, now: () => number): BridgeMetrics {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames, registers });
  const pushes = counter('sgp_sync_pushes_total', 'Pushes by channel and how they ended', 'channel', 'ending');
  const pushSeconds = new Histogram({
    name: 'sgp_sync_push_seconds',
    help: 'Time from signing a push to its answer',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 15],
    registers,
  });
  const hellos = counter('sgp_sync_hellos_total', 'Handshakes by how they ended', 'ending');
  const resets = counter('sgp_sync_link_resets_total', 'Times that the watchdog tore the connections down');
  const changes = counter('sgp_sync_changes_total', 'Changes by stream and what the Core did', 'stream', 'outcome');
  const bytes = counter('sgp_sync_sent_bytes_total', 'Bytes of acknowledged pushes');
  const pending = gauge('sgp_sync_pending_changes', 'Changes that wait for the cloud, by lane', 'lane');
  const oldest = gauge('sgp_sync_oldest_pending_seconds', 'Age of the oldest waiting change');
  const parked = gauge('sgp_sync_parked_changes', 'Changes kept aside with a reason');
  const shed = gauge('sgp_sync_shed_changes', 'Changes of lane 3 refused or dropped because the disk was nearly full');
  const ackedSeq = gauge('sgp_sync_acked_seq', 'At or below it everything is on the Core');
  const skew = gauge('sgp_sync_clock_skew_seconds', 'Our clock minus the clock of the Core');
  const conflicts = gauge('sgp_sync_open_conflicts', 'Conflicts that wait for a person');
  const rounds = counter('sgp_sync_digest_rounds_total', 'Rounds of comparisons by level', 'level');
  const comparisons = counter('sgp_sync_comparisons_total', 'Comparisons by how they ended', 'ending');
  const differences = counter('sgp_sync_differences_total', 'What comparisons found, by what is done', 'action');
  const cursor = gauge('sgp_sync_downlink_cursor', 'Last number of the Core that is applied or parked here');
  const downFailures = gauge('sgp_sync_downlink_failures', 'Calls in a row that brought no answer of the Core');

  return {
    measureLink: (link) => ({
      ...link,
      async hello(disk, request) {
        const outcome = await link.hello(disk, request);
        hellos.inc({ ending: endingOf(outcome) });
        return outcome;
      },
      async push(push) {
        const end = pushSeconds.startTimer();
        const outcome = await link.push(push);
        end();
        pushes.inc({ channel: String(push.channel), ending: endingOf(outcome) });
        return outcome;
      },
      reset() {
        resets.inc();
        link.reset();
      },
    }),
    measureQueue: (queue) => ({
      ...queue,
      async deliver(delivery) {
        await queue.deliver(delivery);
        for (const { change, outcome } of delivery.done) changes.inc({ stream: change.stream, outcome });
        for (const { change } of delivery.parked) changes.inc({ stream: change.stream, outcome: 'parked' });
        bytes.inc(delivery.bytes);
      },
    }),
    showStatus(status) {
      oldest.set(status.oldestPendingAt === null ? 0 : Math.max(0, now() - status.oldestPendingAt) / 1000);
      parked.set(status.parkedChanges);
      ackedSeq.set(status.ackedSeq);
      if (status.clockSkewMs !== null) skew.set(status.clockSkewMs / 1000);
    },
    showCounts(counts) {
      for (const lane of lanes) pending.set({ lane: String(lane) }, counts.openByLane[lane]);
      shed.set(counts.shed);
    },
    showOpenConflicts: (open) => conflicts.set(open),
    showDownlink(facts) {
      cursor.set(facts.position.cursor);
      downFailures.set(facts.failures);
    },
    compare: {
      round: (level) => rounds.inc({ level }),
      compared(ending, found) {
        comparisons.inc({ ending });
        for (const [action, n] of Object.entries(found)) differences.inc({ action }, n);
      },
    },
  };
}

const endingOf = (outcome: { readonly type: string; readonly code?: string }): string => outcome.code ?? outcome.type;
