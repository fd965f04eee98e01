import type { Log } from '@sgp/service-kit/log';
import type { SyncStatus } from '@sgp/shared/sync';
import { createDriver } from '@sgp/sync-engine/driver';
import type { LinkPort, OutboxPort, ParkReason } from '@sgp/sync-engine/ports';
import { factsOf, initialUplink } from '@sgp/sync-engine/uplink-state';
import type { DeliveryState, SyncStore } from '../sync/sync-store.ts';
import type { BridgeMetrics } from './bridge-metrics.ts';
import { createStatusReporter } from './status-reporter.ts';

export type BridgeDeps = {
  readonly queue: OutboxPort;
  readonly link: LinkPort;
  readonly store: Pick<SyncStore, 'waiting' | 'saveTrouble' | 'openIncident' | 'closeIncident'>;
  readonly publish: (status: SyncStatus) => Promise<void>;
  readonly metrics: BridgeMetrics;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
};

export type Bridge = AsyncDisposable & {
  doorbell(): void;
  networkChanged(): void;
  repeatStatus(): void;
};

/** Starts pushing the outbox to the mirror, from where the last run stopped. */
export function startBridge(stored: DeliveryState, deps: BridgeDeps): Bridge {
  const initial = initialUplink(stored);
  const reporter = createStatusReporter(factsOf(initial.memory), {
    store: deps.store,
    async publish(status) {
      deps.metrics.showStatus(status);
      await deps.publish(status);
    },
    now: deps.now,
    log: deps.log,
  });
  const driver = createDriver(initial, {
    outbox: deps.metrics.measureQueue(deps.queue),
    link: deps.metrics.measureLink(deps.link),
    now: deps.now,
    random: deps.random,
    setTimer(delayMs, fire) {
      const timer = setTimeout(fire, delayMs);
      return () => clearTimeout(timer);
    },
    report: reporter.report,
    explain: (error) => explainStorage(error, deps.log),
  });
  driver.start();
  return {
    doorbell() {
      driver.doorbell();
      reporter.refresh();
    },
    networkChanged: driver.networkChanged,
    repeatStatus: reporter.repeat,
    async [Symbol.asyncDispose]() {
      await driver.stop();
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
