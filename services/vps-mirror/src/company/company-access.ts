import type { TokenScope } from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import type { NodeLimiter } from '../ingest/push-limiter.ts';
import type { StrikeLimiter } from '../ingest/strike-limiter.ts';
import type { CompanyCaller, TokenStore } from './token-store.ts';

export type CompanyAccessDeps = {
  readonly tokens: Pick<TokenStore, 'find'>;
  readonly strikes: StrikeLimiter;
  readonly limiter: NodeLimiter;
  readonly now: () => number;
};

/** Access rules `company-read` and `company-write`: a company's bearer token. Which company it is comes from the token alone. */
export function createCompanyAccess(
  deps: CompanyAccessDeps,
  needed: TokenScope,
): (ctx: Context) => Promise<CompanyCaller> {
  const { tokens, strikes, limiter, now } = deps;
  return async (ctx) => {
    strikes.check(ctx.ip);
    const given = /^Bearer (\S+)$/i.exec(ctx.get('authorization'))?.[1] ?? '';
    const found = await tokens.find(given, now());
    if (!found) {
      strikes.strike(ctx.ip);
      throw new AppError('TOKEN_INVALID', 'The bearer token is missing, wrong, expired or revoked.');
    }
    limiter.take(found.tokenId);
    if (needed === 'write' && found.scope !== 'write')
      throw new AppError('SCOPE_MISSING', 'This token may only read; nothing was changed.');
    const { companyId, tokenId, name } = found;
    return { companyId, tokenId, name };
  };
}
