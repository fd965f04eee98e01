import { isIPv4 } from 'node:net';
import { localAccess } from '@sgp/service-kit/health';
import type { AccessRule } from '@sgp/service-kit/http-app';
import { requireSameOrigin } from '@sgp/service-kit/same-origin';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import type { SessionCaller } from './caller.ts';
import type { PeopleService } from './people-service.ts';

export const sessionCookie = 'sgp_sid';

/** The browser's network address, IPv4 without the IPv6 prefix. */
export const addressOf = (ctx: Context): string => ctx.ip.replace(/^::ffff:/, '').slice(0, 64);

/** Is the address of this machine or of a private network (RFC 1918, RFC 4193, link-local)? */
export function isLanAddress(address: string): boolean {
  if (isIPv4(address)) return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);
  return address === '::1' || /^f[cd]|^fe[89ab]/i.test(address);
}

/** The four access rules of production-api. Each refuses what another site's page sent. */
export function createAccessRules(people: Pick<PeopleService, 'authenticate'>): Readonly<Record<string, AccessRule>> {
  const session = (ctx: Context): Promise<SessionCaller> => {
    requireSameOrigin(ctx);
    return people.authenticate(ctx.cookies.get(sessionCookie), addressOf(ctx));
  };
  return {
    open: requireSameOrigin,
    local: localAccess,
    session,
    async manager(ctx) {
      const caller = await session(ctx);
      if (caller.user.role !== 'owner' && caller.user.role !== 'manager')
        throw new AppError('SCOPE_MISSING', 'Only an owner or a manager may do this.');
      return caller;
    },
  };
}
