import { statfs } from 'node:fs/promises';
import { type Route, route } from '@sgp/service-kit/route';
import { type SyncPage, syncPageSchema } from '@sgp/shared/api/shop';
import type { SyncStatus } from '@sgp/shared/sync';
import type { DeliveryState, SyncStore, Waiting } from './sync-store.ts';
import type { SyncWatch } from './sync-watch.ts';

export type SyncRoutesDeps = {
  readonly store: Pick<SyncStore, 'deliveryState' | 'waiting' | 'lists'>;
  readonly watch: Pick<SyncWatch, 'latest'>;
  readonly nodeId: string;
  /** A folder on the disk whose room the page shows: where the database lives. */
  readonly dataDir: string;
  readonly now: () => number;
};

/** `GET /api/sync`: what the page about the sync shows (PRODUCT J5). */
export function syncRoutes(deps: SyncRoutesDeps): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/api/sync',
        summary: 'State of the sync, what waits, what is parked, past outages',
        tag: 'sync',
        access: 'session',
        answer: syncPageSchema,
      },
      async (): Promise<SyncPage> => {
        const delivery = await deps.store.deliveryState();
        const waiting = await deps.store.waiting();
        return {
          status: currentStatus(deps.watch.latest(), delivery, waiting, deps.now()),
          nodeId: deps.nodeId,
          ...(await deps.store.lists()),
          totals: delivery.totals,
          disk: await diskRoom(deps.dataDir),
        };
      },
    ),
  ];
}

/** The state is the bridge's word; the figures are read afresh, so that they agree with the lists on the same page. */
const currentStatus = (
  heard: SyncStatus | null,
  delivery: DeliveryState,
  waiting: Waiting,
  now: number,
): SyncStatus => ({
  ...waiting,
  state: heard?.state ?? 'unknown',
  at: heard?.at ?? now,
  lastAckAt: delivery.lastAckAt,
  offlineSince: delivery.offlineSince,
  clockSkewMs: delivery.clockSkewMs,
  ackedSeq: delivery.ackedSeq,
  error: heard?.error ?? (delivery.blocked && { code: delivery.blocked.code, detail: delivery.blocked.detail }),
});

async function diskRoom(dir: string): Promise<SyncPage['disk']> {
  try {
    const { bavail, blocks, bsize } = await statfs(dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    // Some network file systems do not tell; the page then shows nothing rather than a wrong figure.
    return null;
  }
}
