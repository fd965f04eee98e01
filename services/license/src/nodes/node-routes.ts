import { verifyRequest } from '@sgp/auth/http-signature';
import { type Call, type Route, type RouteSpec, route } from '@sgp/service-kit/route';
import { checkinSchema, nodeRecordSchema } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import * as z from 'zod';
import type { CompanyStore } from '../companies/company-store.ts';
import type { FailureLimit } from '../failure-limit.ts';
import type { Keyring } from '../keys/keyring.ts';
import { isContractActive, type LicenceIssuer } from '../licences/licence-issuer.ts';
import { licenseLimits } from '../license-limits.ts';
import type { Node, NodeStore } from './node-store.ts';
import type { NonceStore } from './nonce-store.ts';

export type NodeRoutesDeps = {
  readonly nodes: NodeStore;
  readonly nonces: Pick<NonceStore, 'use'>;
  readonly companies: Pick<CompanyStore, 'findEstablishment'>;
  readonly issuer: LicenceIssuer;
  readonly keyring: Pick<Keyring, 'keyset'>;
  readonly signedFailures: FailureLimit;
  /** Host and port that nodes sign. */
  readonly authority: string;
  readonly now: () => number;
};

/** What the mirror asks about a node, and what a node asks for itself. */
export function nodeRoutes(deps: NodeRoutesDeps): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/nodes/:shortId',
        summary: 'What the mirror needs to judge the calls of a node',
        tag: 'nodes',
        access: 'service',
        params: z.strictObject({ shortId: z.string().max(64) }),
        answer: nodeRecordSchema,
      },
      async ({ params }) => {
        const node = await deps.nodes.findByShortId(params.shortId, deps.now());
        const owner = node && (await deps.companies.findEstablishment(node.establishmentId));
        if (!node || !owner) throw new AppError('NOT_FOUND', 'There is no node of this id.');
        return { ...node, licenceActive: isContractActive(owner.contract, deps.now()) };
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/checkin',
        summary: 'Renews the licence of the calling node; signed, tag checkin/1',
        tag: 'nodes',
        access: 'node',
        rawBodyMaxBytes: licenseLimits.checkinBodyMaxBytes,
        answer: checkinSchema,
      },
      async ({ caller, rawBody, ctx }: CheckinCall) => {
        await verifyCall(deps, caller, {
          method: ctx.method,
          path: ctx.path,
          query: ctx.querystring,
          rawHeaders: ctx.req.rawHeaders,
          body: rawBody,
          address: ctx.ip,
        });
        return {
          licence: await deps.issuer.current(caller),
          keyset: await deps.keyring.keyset(deps.now()),
          serverTimeMs: deps.now(),
        };
      },
    ),
  ];
}

type CheckinCall = Pick<Call<RouteSpec, Node>, 'caller' | 'rawBody' | 'ctx'>;

/** Signature, then node, then nonce: only a rightly signed call leaves a row (SECURITY P6). */
async function verifyCall(
  deps: NodeRoutesDeps,
  node: Node,
  request: Parameters<typeof verifyRequest>[0] & { readonly address: string },
): Promise<void> {
  const nowMs = deps.now();
  const verified = await deps.signedFailures.watch(request.address, () =>
    verifyRequest(request, {
      authority: deps.authority,
      tag: 'checkin/1',
      nowMs,
      findKey: (keyId) => node.keys.find((key) => key.keyId === keyId)?.publicJwk,
    }),
  );
  if (verified.covered['x-node-id'] !== node.shortId)
    throw new AppError('TENANT_MISMATCH', 'x-node-id is not the node of the API key.');
  const keepUntilMs = (verified.createdS + limits.nonceKeptS) * 1000;
  if (!(await deps.nonces.use(verified.keyId, verified.nonce, keepUntilMs)))
    throw new AppError('SIG_REPLAY', 'This call was made before; sign it again with a new nonce.');
}
