import type { Bus } from '@sgp/service-kit/bus';
import { serviceStatusSchema } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import { type SyncStatus, syncStatusSchema } from '@sgp/shared/sync';
import { topics } from '@sgp/shared/topics';

export type SyncWatchDeps = {
  readonly bus: Pick<Bus, 'subscribe'>;
  /** Slug of the establishment. */
  readonly est: string;
  /** Called with each status that differs from the last, also when the bridge falls silent. */
  readonly onStatus: (status: SyncStatus) => void;
  readonly now: () => number;
};

export type SyncWatch = Disposable & {
  /** The last word of the bridge, with the state `unknown` once it can no longer be relied upon; null before the first. */
  latest(): SyncStatus | null;
};

/**
 * Hears the bridge's status on the bus for the screens. A bridge that died or fell silent makes the state `unknown`: its
 * last "OK" must not stay on the wall (PRODUCT J5.1).
 */
export function createSyncWatch({ bus, est, onStatus, now }: SyncWatchDeps): SyncWatch {
  let heard: SyncStatus | null = null;
  let heardAt = 0;
  let bridgeOnline = true;
  let shown = '';

  const latest = (): SyncStatus | null => {
    if (heard === null) return null;
    const reliable = bridgeOnline && now() - heardAt <= limits.syncHeartbeatMs;
    return reliable ? heard : { ...heard, state: 'unknown' };
  };
  const show = (): void => {
    const status = latest();
    const text = JSON.stringify(status);
    if (status === null || text === shown) return;
    shown = text;
    onStatus(status);
  };
  const subscribe = (filter: string, hear: (topic: string, message: unknown) => void): void => {
    // Rejects only when the connection is closed for good, at the end of the process.
    bus.subscribe(filter, hear).catch(() => undefined);
  };
  subscribe(topics.syncStatus(est), (_topic, message) => {
    const status = syncStatusSchema.safeParse(message);
    if (!status.success) return;
    heard = status.data;
    // A retained status may be hours old when it arrives.
    heardAt = Math.min(now(), status.data.at);
    show();
  });
  subscribe(topics.serviceStatus(est, 'bridge'), (_topic, message) => {
    const status = serviceStatusSchema.safeParse(message);
    if (!status.success) return;
    bridgeOnline = status.data.online;
    show();
  });
  const timer = setInterval(show, limits.outboxPollMs);
  timer.unref();
  return { latest, [Symbol.dispose]: () => clearInterval(timer) };
}
