import { type Route, route } from '@sgp/service-kit/route';
import { companyParams, companyTokensSchema, newTokenBody, newTokenSchema, tokenParams } from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import type { TokenStore } from './token-store.ts';

/** The vendor gives companies their tokens. */
export function tokenRoutes(deps: { readonly tokens: TokenStore; readonly now: () => number }): readonly Route[] {
  const { tokens, now } = deps;
  const path = '/api/core/companies/:companyId/tokens';
  return [
    route(
      {
        method: 'POST',
        path,
        summary: 'Makes a token for a company; it is told this once',
        tag: 'core',
        access: 'operator',
        params: companyParams,
        body: newTokenBody,
        answer: newTokenSchema,
        status: 201,
      },
      ({ params, body }) => tokens.create(params.companyId, body, now()),
    ),
    route(
      {
        method: 'GET',
        path,
        summary: 'Tokens of a company, without their secrets',
        tag: 'core',
        access: 'operator',
        params: companyParams,
        answer: companyTokensSchema,
      },
      async ({ params }) => ({ tokens: [...(await tokens.list(params.companyId))] }),
    ),
    route(
      {
        method: 'DELETE',
        path: `${path}/:tokenId`,
        summary: 'Revokes a token at once',
        tag: 'core',
        access: 'operator',
        params: tokenParams,
      },
      async ({ params }) => {
        if (!(await tokens.revoke(params.companyId, params.tokenId, now())))
          throw new AppError('NOT_FOUND', 'The company has no such token.');
      },
    ),
  ];
}
