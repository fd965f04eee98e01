import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses a request that changes something and that another site's page made the browser send (SECURITY A11). The
 * browser's own word decides: `Sec-Fetch-Site` where it is sent, else `Origin` against the address that was asked. A
 * request with neither is no browser's, and carries no cookie that it was not given by hand.
 * @throws AppError CSRF_BLOCKED
 */
export function requireSameOrigin(ctx: Context): void {
  if (safeMethods.has(ctx.method)) return;
  const site = ctx.get('sec-fetch-site');
  const origin = ctx.get('origin');
  const sameSite = site === '' || site === 'same-origin' || site === 'none';
  const sameOrigin = origin === '' || origin === `${ctx.protocol}://${ctx.host}`;
  if (!sameSite || !sameOrigin)
    throw new AppError('CSRF_BLOCKED', 'This request came from another site; nothing was changed.');
}
