import { safeEqual, sha256Hex } from '@sgp/auth/digest';
import { healthRoutes, localAccess, openAccess } from '@sgp/service-kit/health';
import { createHttpApp } from '@sgp/service-kit/http-app';
import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import { adminRoutes } from './admin/admin-routes.ts';
import type { Broker } from './broker.ts';

export type AppDeps = {
  readonly est: string;
  readonly adminToken: string;
  readonly broker: Broker;
  /** Throws when nothing can be stored. */
  readonly checkJournal: () => unknown;
  readonly metrics: Metrics;
  readonly log: Log;
};

/** The broker's HTTP side: health, metrics and administration. It never leaves this machine. */
export function createApp({ est, adminToken, broker, checkJournal, metrics, log }: AppDeps) {
  const expected = sha256Hex(adminToken);
  const adminAccess = (ctx: Context): undefined => {
    const [, token] = /^Bearer ([\x21-\x7e]+)$/.exec(ctx.get('authorization')) ?? [];
    if (token === undefined || !safeEqual(sha256Hex(token), expected))
      throw new AppError('TOKEN_INVALID', "The broker administrator's token is missing or wrong.");
  };
  return createHttpApp({
    log,
    metrics,
    routes: [...healthRoutes('broker', metrics, { journal: checkJournal }), ...adminRoutes({ est, broker })],
    access: { open: openAccess, local: localAccess, admin: adminAccess },
  });
}
