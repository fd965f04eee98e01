import type { Route } from '@sgp/service-kit/route';
import type { EventHub, SseEvent } from '@sgp/service-kit/sse';
import { version } from '@sgp/service-kit/version';
import type { SyncStatus } from '@sgp/shared/sync';
import { sessionRoute } from '../people/session-route.ts';
import type { SessionStreams } from '../people/session-streams.ts';
import { shopChannel } from './shop-hub.ts';

/** `GET /api/events`: the news of the shop as server-sent events (packages/shared/src/api/events.ts). */
export function eventRoutes(deps: {
  readonly hub: Pick<EventHub, 'attach'>;
  readonly streams: Pick<SessionStreams, 'add'>;
  readonly latestSync: () => SyncStatus | null;
}): readonly Route[] {
  return [
    sessionRoute(
      { method: 'GET', path: '/api/events', summary: 'News as server-sent events', tag: 'shop', access: 'session' },
      ({ ctx, caller }) => {
        const sync = deps.latestSync();
        const first: SseEvent[] = [{ event: 'hello', data: { version, at: Date.now() } }];
        if (sync) first.push({ event: 'sync.status', data: sync });
        deps.hub.attach(ctx, shopChannel, first);
        deps.streams.add(caller.sessionId, ctx.res);
      },
    ),
  ];
}
