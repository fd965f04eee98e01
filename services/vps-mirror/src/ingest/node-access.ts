import { parseApiKey } from '@sgp/auth/api-key';
import { safeEqual } from '@sgp/auth/digest';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import type { Context } from 'koa';
import type { NodeCache } from '../nodes/node-cache.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { StrikeLimiter } from './strike-limiter.ts';

export type NodeAccessDeps = {
  readonly nodes: Pick<NodeCache, 'find'>;
  readonly strikes: StrikeLimiter;
  readonly metrics: Pick<IngestMetrics, 'refused'>;
};

/** Headers whose meaning would be open if they came twice. */
const singleHeaders = new Set([
  ...['host', 'content-type', 'content-encoding', 'content-digest', 'content-length'],
  ...['x-api-key', 'x-node-id', 'idempotency-key', 'signature', 'signature-input'],
]);

/**
 * Access rule `node`, before any byte of the body is read (SECURITY 3.1): address limit → API key → node status →
 * duplicate headers. What it lets through is only selected by its key; the signature is checked over the body later.
 */
export function createNodeAccess(deps: NodeAccessDeps): (ctx: Context) => Promise<NodeRecord> {
  return async (ctx) => {
    try {
      deps.strikes.check(ctx.ip);
      const node = await findByApiKey(deps.nodes, ctx.get('x-api-key'));
      if (node.status !== 'active')
        throw new AppError('NODE_BANNED', `This node is ${node.status}; nothing was kept. Keep the changes.`);
      refuseDuplicates(ctx.req.rawHeaders);
      if (ctx.get('x-node-id') !== node.shortId)
        throw new AppError('SIG_POLICY', 'x-node-id is not the node of the API key.');
      return node;
    } catch (error) {
      deps.metrics.refused(error);
      if (error instanceof AppError && error.code === 'APIKEY_INVALID') deps.strikes.strike(ctx.ip);
      throw error;
    }
  };
}

async function findByApiKey(nodes: Pick<NodeCache, 'find'>, header: string): Promise<NodeRecord> {
  const given = parseApiKey(header);
  const node = given && (await nodes.find(given.shortId));
  if (!node?.apiKeyHashes.some((hash) => safeEqual(hash, given?.hash ?? '')))
    throw new AppError('APIKEY_INVALID', 'The API key is not one of ours.');
  return node;
}

function refuseDuplicates(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    if (singleHeaders.has(name) && seen.has(name))
      throw new AppError('HDR_DUPLICATE', `The header ${name} came twice.`);
    seen.add(name);
  }
}
