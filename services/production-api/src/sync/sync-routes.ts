import { statfs } from 'node:fs/promises';
import { type Route, route } from '@sgp/service-kit/route';
import { version } from '@sgp/service-kit/version';
import { idParams } from '@sgp/shared/api/common';
import { type SyncPage, syncPageSchema } from '@sgp/shared/api/shop';
import { parkedDownParams, parkedParams, trailSchema } from '@sgp/shared/api/sync';
import { AppError } from '@sgp/shared/errors';
import type { SyncStatus } from '@sgp/shared/sync';
import type { Context } from 'koa';
import { sessionRoute } from '../people/session-route.ts';
import { backupTime, type PageFacts } from './page-facts.ts';
import type { ParkedDown } from './parked-down.ts';
import type { ParkedStore } from './parked-store.ts';
import type { DeliveryState, SyncStore, Waiting } from './sync-store.ts';
import type { SyncWatch } from './sync-watch.ts';
import type { TrailStore } from './trail-store.ts';

export type SyncRoutesDeps = {
  readonly store: Pick<SyncStore, 'deliveryState' | 'waiting' | 'lists' | 'lanes' | 'receipt'>;
  readonly parked: ParkedStore;
  readonly parkedDown: ParkedDown;
  readonly facts: PageFacts;
  readonly trail: TrailStore;
  readonly watch: Pick<SyncWatch, 'latest'>;
  readonly nodeId: string;
  /** A folder on the disk whose room the page shows: where the database lives. */
  readonly dataDir: string;
  /** The file that the shop's backup touches after it ended well; undefined: there is none. */
  readonly backupFile: string | undefined;
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
        const heard = deps.watch.latest();
        const down = await deps.facts.down();
        return {
          status: currentStatus(heard, delivery, waiting, deps.now()),
          nodeId: deps.nodeId,
          ...(await deps.store.lists()),
          lanes: await deps.store.lanes(),
          receipt: await deps.store.receipt(),
          down: {
            ...down,
            head: heard?.down?.head ?? null,
            lastAnswerAt: heard?.down?.lastAnswerAt ?? down.lastAnswerAt,
            problem: heard?.down?.problem ?? null,
          },
          photos: await deps.facts.photos(),
          shed: await deps.facts.shed(),
          versions: { shop: version, cloud: heard?.coreVersion ?? null },
          backupAt: await backupTime(deps.backupFile),
          totals: delivery.totals,
          disk: await diskRoom(deps.dataDir),
        };
      },
    ),
    ...parkedRoutes(deps.parked),
    retryDownRoute(deps.parkedDown),
    downloadDownRoute(deps.facts),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/orders/:id/trail',
        summary: 'Where each recent version of an order has been',
        tag: 'sync',
        access: 'session',
        params: idParams,
        answer: trailSchema,
      },
      async ({ params }) => ({ versions: [...(await deps.trail.ofOrder(params.id))] }),
    ),
  ];
}

const parkedRoutes = (parked: ParkedStore): readonly Route[] => [
  sessionRoute(
    {
      method: 'POST',
      path: '/api/sync/parked/:seq/retry',
      summary: 'Put a parked change back into the queue',
      tag: 'sync',
      access: 'manager',
      params: parkedParams,
    },
    async ({ params, caller }) => {
      if (!(await parked.retry(params.seq, caller.actor))) throw notParked();
    },
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/sync/parked/:seq',
      summary: 'Download a parked change',
      tag: 'sync',
      access: 'manager',
      params: parkedParams,
    },
    async ({ params, ctx }) => {
      const change = await parked.find(params.seq);
      if (change === null) throw notParked();
      sendFile(ctx, `sgp-${params.seq}.json`, change);
    },
  ),
];

const retryDownRoute = (parked: ParkedDown): Route =>
  sessionRoute(
    {
      method: 'POST',
      path: '/api/sync/down/:stream/:entityId/retry',
      summary: 'Apply a change of the Core that was set aside, now that there is room for it',
      tag: 'sync',
      access: 'manager',
      params: parkedDownParams,
    },
    ({ params, caller }) => parked.retry(params.stream, params.entityId, caller.actor),
  );

const downloadDownRoute = (facts: Pick<PageFacts, 'parkedDown'>): Route =>
  sessionRoute(
    {
      method: 'GET',
      path: '/api/sync/down/:stream/:entityId',
      summary: 'Download a change of the Core that was set aside',
      tag: 'sync',
      access: 'manager',
      params: parkedDownParams,
    },
    async ({ params: { stream, entityId }, ctx }) => {
      const change = await facts.parkedDown(stream, entityId);
      if (change === null) throw notParked();
      sendFile(ctx, `sgp-${stream}-${entityId}.json`, change);
    },
  );

function sendFile(ctx: Context, name: string, content: object): void {
  ctx.set('content-disposition', `attachment; filename="${name}"`);
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(content, null, 2);
}

const notParked = (): AppError => new AppError('NOT_FOUND', 'This change is not set aside.');

/** The state is the bridge's word; the figures are read afresh, so that they agree with the lists on the same page. */
const currentStatus = (
  heard: SyncStatus | null,
  delivery: DeliveryState,
  waiting: Waiting,
  now: number,
): SyncStatus => ({
  ...waiting,
  state: heard?.state ?? 'unknown',
  // Nobody has spoken since this process began: what is known is as old as the last acknowledgement.
  at: heard?.at ?? delivery.lastAckAt ?? now,
  lastAckAt: delivery.lastAckAt,
  offlineSince: delivery.offlineSince,
  clockSkewMs: delivery.clockSkewMs,
  ackedSeq: delivery.ackedSeq,
  ...(heard?.down && { down: heard.down }),
  ...(heard?.coreVersion !== undefined && { coreVersion: heard.coreVersion }),
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
