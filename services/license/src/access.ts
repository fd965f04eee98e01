import { parseApiKey } from '@sgp/auth/api-key';
import { safeEqual } from '@sgp/auth/digest';
import { localAccess, openAccess } from '@sgp/service-kit/health';
import type { AccessRule } from '@sgp/service-kit/http-app';
import { AppError } from '@sgp/shared/errors';
import type { FailureLimit } from './failure-limit.ts';
import type { Node, NodeStore } from './nodes/node-store.ts';

export type AccessDeps = {
  readonly adminToken: string;
  readonly serviceToken: string;
  readonly nodes: NodeStore;
  readonly signedFailures: FailureLimit;
  readonly now: () => number;
};

/** Who may call: the vendor, the other services, and nodes by their API key (whose calls are signed as well). */
export function accessRules(deps: AccessDeps): Readonly<Record<string, AccessRule>> {
  return {
    open: openAccess,
    local: localAccess,
    admin: bearer(deps.adminToken),
    service: bearer(deps.serviceToken),
    node: (ctx) => deps.signedFailures.watch(ctx.ip, () => nodeOf(ctx.get('x-api-key'), deps)),
  };
}

function bearer(token: string): AccessRule {
  return (ctx) => {
    const given = /^Bearer (\S+)$/i.exec(ctx.get('authorization'))?.[1] ?? '';
    // An empty token would open everything to everybody.
    if (token === '' || !safeEqual(given, token))
      throw new AppError('TOKEN_INVALID', 'The bearer token is missing or wrong.');
  };
}

async function nodeOf(header: string, deps: AccessDeps): Promise<Node> {
  const apiKey = parseApiKey(header);
  const node = apiKey && (await deps.nodes.findByShortId(apiKey.shortId, deps.now()));
  if (!node?.apiKeyHashes.some((hash) => safeEqual(hash, apiKey?.hash ?? '')))
    throw new AppError('APIKEY_INVALID', 'The API key is not one of ours, or it ended.');
  if (node.status !== 'active') throw new AppError('NODE_BANNED', 'This node is suspended or banned.');
  return node;
}
