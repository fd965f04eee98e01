import { type Route, route } from '@sgp/service-kit/route';
import { rootsSchema } from '@sgp/shared/api/licensing';
import type { Keyring } from './keyring.ts';

/** The public keys, for everybody. */
export function keyRoutes(deps: { readonly keyring: Keyring; readonly now: () => number }): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/.well-known/sgp-keyset',
        summary: 'The issuing keys, as a compact JWS signed by the root',
        tag: 'keys',
        access: 'open',
      },
      async ({ ctx }) => {
        ctx.body = await deps.keyring.keyset(deps.now());
        ctx.type = 'application/jose';
      },
    ),
    route(
      {
        method: 'GET',
        path: '/.well-known/sgp-roots',
        summary: 'The public roots that sign the keyset',
        tag: 'keys',
        access: 'open',
        answer: rootsSchema,
      },
      () => deps.keyring.roots,
    ),
  ];
}
