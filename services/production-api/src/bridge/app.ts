import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import type { SyncStatus } from '@sgp/shared/sync';
import { receiptClaimsSchema } from '@sgp/shared/sync-digest';
import { createDriver } from '@sgp/sync-engine/driver';
import type { OutboxPort, ParkReason } from '@sgp/sync-engine/ports';
import { factsOf, initialUplink } from '@sgp/sync-engine/uplink-state';
import { createConflictStore } from '../conflicts/conflict-store.ts';
import type { DownInbox } from '../inbox/down-inbox.ts';
import { readCounts } from '../outbox/outbox-head.ts';
import type { DeliveryState, SyncStore } from '../sync/sync-store.ts';
import type { BridgeMetrics } from './bridge-metrics.ts';
import { createCompareStore } from './compare-store.ts';
import { createComparer } from './comparer.ts';
import type { CoreWords } from './core-words.ts';
import { startDownlink } from './downlink-poller.ts';
import { logDelivered, logSending } from './hop-log.ts';
import type { MirrorLink } from './mirror-link.ts';
import { createReachProbe } from './reach-probe.ts';
import { createStatusReporter } from './status-reporter.ts';

export type BridgeDeps = {
  readonly db: Database;
  readonly queue: OutboxPort;
  readonly inbox: DownInbox;
  readonly link: MirrorLink;
  /** Where the Core listens, to see whether it is in reach again. */
  readonly mirrorUrl: URL;
  readonly coreWords: CoreWords;
  readonly fetchKeyset: () => void;
  readonly store: Pick<SyncStore, 'waiting' | 'saveTrouble' | 'openIncident' | 'closeIncident'>;
  readonly publish: (status: SyncStatus) => Promise<void>;
  readonly metrics: BridgeMetrics;
  /** What sync may use of the line; null: all of it. */
  readonly maxBytesPerS: number | null;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Pick<Log, 'info' | 'warn' | 'error' | 'debug'>;
};

export type Bridge = AsyncDisposable & {
  doorbell(): void;
  networkChanged(): void;
  repeatStatus(): void;
};

/** Starts pushing the outbox to the mirror and taking in what comes down, from where the last run stopped. */
export async function startBridge(stored: DeliveryState, deps: BridgeDeps): Promise<Bridge> {
  const { db, metrics, now, random, log } = deps;
  let down: SyncStatus['down'];
  let coreVersion: string | undefined;
  const measured = logSending(metrics.measureLink(deps.link), log);
  const link: MirrorLink = {
    ...measured,
    async hello(disk, request) {
      const outcome = await measured.hello(disk, request);
      if (outcome.type === 'hello-answered') coreVersion = outcome.answer.version;
      return outcome;
    },
  };
  const explain = (error: unknown): ParkReason => explainStorage(error, log);
  const setTimer = (delayMs: number, fire: () => void): (() => void) => {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  };
  const initial = initialUplink(stored);
  let wasAway = stored.offlineSince !== null;
  const conflicts = createConflictStore();
  const reporter = createStatusReporter(factsOf(initial.memory), {
    store: deps.store,
    async publish(given) {
      const status: SyncStatus = { ...given, ...(down && { down }), ...(coreVersion !== undefined && { coreVersion }) };
      metrics.showStatus(status);
      metrics.showCounts(await readCounts(db));
      metrics.showOpenConflicts(await conflicts.countOpen(db));
      await deps.publish(status);
    },
    // Only a comparison after the end says that nothing was lost, and each handshake is followed by one. Those before
    // the end do not count: they began when lanes 0 to 2 were empty, and lane 3 was still on its way.
    onIncidentEnded: () => driver.networkChanged(),
    now,
    uptime: () => performance.now(),
    log,
  });
  const comparer = createComparer({
    store: createCompareStore(db, now),
    ask: link.digest,
    verifyReceipt: async (receipt) => receiptClaimsSchema.parse(await deps.coreWords('sync-receipt+jwt', receipt)),
    metrics: metrics.compare,
    ...{ now, log },
  });
  const networkChanged = (): void => {
    driver.networkChanged();
    downlink.networkChanged();
  };
  const probe = createReachProbe(deps.mirrorUrl, networkChanged);
  const driver = createDriver(initial, {
    outbox: logDelivered(metrics.measureQueue(deps.queue), log),
    link,
    compare: comparer.run,
    ...{ now, random, setTimer, explain },
    report(facts) {
      const isAway = facts.offlineSince !== null;
      // The way is there again: what comes down must not wait until a call that hangs ends by its own time.
      if (wasAway && !isAway) {
        link.resetChanges();
        downlink.networkChanged();
      }
      wasAway = isAway;
      probe.watch(isAway);
      reporter.report(facts);
    },
    maxBytesPerS: deps.maxBytesPerS,
  });
  let downFailures = 0;
  const downlink = await startDownlink({
    inbox: deps.inbox,
    ask: link.changes,
    verify: (signed) => deps.coreWords('sync-changes+jwt', signed),
    fetchKeyset: deps.fetchKeyset,
    onApplied: driver.doorbell,
    report(facts, head) {
      metrics.showDownlink(facts);
      down = { cursor: facts.position.cursor, head, lastAnswerAt: facts.lastAnswerAt, problem: facts.problem };
      reporter.refresh();
      // A Core that was away for a moment, between two pushes, may be one that was restored.
      if (facts.failures === 0 && downFailures > 0) driver.networkChanged();
      downFailures = facts.failures;
    },
    ...{ now, random, setTimer, explain, log },
  });
  driver.start();
  return {
    doorbell() {
      driver.doorbell();
      reporter.refresh();
    },
    networkChanged,
    repeatStatus: reporter.repeat,
    async [Symbol.asyncDispose]() {
      probe[Symbol.dispose]();
      await driver.stop();
      await downlink[Symbol.asyncDispose]();
      // What still waits for the Core's answer need not be waited for.
      deps.link.reset();
      await comparer.stop();
      await reporter[Symbol.asyncDispose]();
    },
  };
}

function explainStorage(err: unknown, log: BridgeDeps['log']): ParkReason {
  log.error({ err }, 'the outbox could not be read or written');
  const full = (err as { code?: string }).code === 'SQLITE_FULL' || (err as { code?: string }).code === 'ENOSPC';
  return full
    ? {
        code: 'DISK_FULL',
        detail: 'The disk of the shop server is full; everything is kept and sent once there is room.',
      }
    : { code: 'INTERNAL', detail: 'The outbox could not be read or written; everything is kept, and tried again.' };
}
