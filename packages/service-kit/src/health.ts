import { isIPv4 } from 'node:net';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import type { Metrics } from './metrics.ts';
import { type Route, route } from './route.ts';
import { version } from './version.ts';

/** Throws, or rejects, when the service cannot do its work; its name is what `/readyz` shows. */
export type ReadyCheck = () => unknown;

/**
 * `/healthz` (the process lives), `/readyz` (it can work: 503 with the failing names) and `/metrics` (Prometheus text; only
 * for callers on this machine that did not come through a proxy). All take the access rules `open` and `local`.
 */
export function healthRoutes(
  service: string,
  metrics: Metrics,
  checks: Readonly<Record<string, ReadyCheck>>,
): readonly Route[] {
  return [
    route({ method: 'GET', path: '/healthz', summary: 'The process lives', tag: 'health', access: 'open' }, () => ({
      status: 'ok',
      service,
      version,
      uptimeS: Math.round(process.uptime()),
    })),
    route(
      { method: 'GET', path: '/readyz', summary: 'The service can work', tag: 'health', access: 'open' },
      async ({ ctx }) => {
        const results = await Promise.all(
          Object.entries(checks).map(async ([name, check]) => {
            try {
              await check();
              return [name, 'ok'] as const;
            } catch {
              return [name, 'failing'] as const;
            }
          }),
        );
        ctx.status = results.every(([, result]) => result === 'ok') ? 200 : 503;
        ctx.body = {
          status: ctx.status === 200 ? 'ready' : 'not ready',
          service,
          version,
          checks: Object.fromEntries(results),
        };
      },
    ),
    route(
      { method: 'GET', path: '/metrics', summary: 'Metrics for Prometheus', tag: 'health', access: 'local' },
      async ({ ctx }) => {
        ctx.type = metrics.registry.contentType;
        ctx.body = await metrics.registry.metrics();
      },
    ),
  ];
}

/** Access rule `open`: everybody. */
export const openAccess = (): undefined => undefined;

/** Access rule `local`: only from this machine, and not forwarded by a proxy on it. Everybody else finds nothing. */
export function localAccess(ctx: Context): undefined {
  const address = ctx.req.socket.remoteAddress ?? '';
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  const local = plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
  if (!local || ctx.get('x-forwarded-for') !== '') throw new AppError('NOT_FOUND', 'Nothing has this address.');
}
