import { safeEqual } from '@sgp/auth/digest';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import type { StrikeLimiter } from './strike-limiter.ts';

/** Access rule `operator`: the vendor's own hands, by a bearer token. Where no token is configured nobody is let in. */
export function createOperatorAccess(deps: {
  readonly token: string | null;
  readonly strikes: StrikeLimiter;
}): (ctx: Context) => undefined {
  const { token, strikes } = deps;
  return (ctx) => {
    strikes.check(ctx.ip);
    const given = /^Bearer (\S+)$/i.exec(ctx.get('authorization'))?.[1] ?? '';
    if (token !== null && token !== '' && safeEqual(given, token)) return undefined;
    strikes.strike(ctx.ip);
    throw new AppError('TOKEN_INVALID', 'The bearer token is missing or wrong.');
  };
}
