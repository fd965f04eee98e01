import { type Route, route } from '@sgp/service-kit/route';
import { rootsSchema, syncKeyBody, syncKeyRegisteredSchema } from '@sgp/shared/api/licensing';
import type { Keyring } from './keyring.ts';

/** The public keys, for everybody, and the mirror's way to have its own listed. */
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
    route(
      {
        method: 'PUT',
        path: '/v1/keys/sync',
        summary: 'Lists the key with which the Core signs what it says to nodes; the same key again changes nothing',
        tag: 'keys',
        access: 'service',
        body: syncKeyBody,
        answer: syncKeyRegisteredSchema,
      },
      async ({ body }) => ({ kid: body.kid, keysetVersion: await deps.keyring.listSyncKey(body, deps.now()) }),
    ),
  ];
}
