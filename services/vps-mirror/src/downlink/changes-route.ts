import { type Route, route } from '@sgp/service-kit/route';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { type ChangesAsk, changesAnswerSchema, changesAskSchema, changesPath } from '@sgp/shared/sync-downlink';
import type { Context } from 'koa';
import { parseJson } from '../ingest/decode-batch.ts';
import type { IngestMetrics } from '../ingest/ingest-metrics.ts';
import type { NodeLimiter } from '../ingest/push-limiter.ts';
import { requireTenant, type SignedCall, type SignedRequestDeps, verifySigned } from '../ingest/signed-request.ts';
import type { CoreSigner } from '../keys/core-signer.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import type { Bell, BellListener } from './bell.ts';
import type { DownlinkMetrics } from './downlink-metrics.ts';
import type { DownlinkStore, DownPosition } from './downlink-store.ts';

export type ChangesDeps = SignedRequestDeps & {
  readonly downlink: Pick<DownlinkStore, 'open' | 'read'>;
  readonly signer: Pick<CoreSigner, 'isListed' | 'sign'>;
  readonly bell: Pick<Bell, 'listen'>;
  readonly limiter: NodeLimiter;
  readonly metrics: Pick<IngestMetrics, 'refused'>;
  readonly downMetrics: DownlinkMetrics;
  /** Two live copies of a node get no answers. */
  readonly requireUnforked: (nodeId: string) => Promise<void>;
};

/** `POST /internal/sync/changes`: what the Core has for an establishment, held open while there is nothing. */
export function changesRoutes(deps: ChangesDeps): readonly Route[] {
  const held = new Map<string, BellListener[]>();
  return [
    route(
      {
        method: 'POST',
        path: changesPath,
        summary: 'Changes of the Core for the calling node, signed by the Core; the call is signed, tag changes/1',
        tag: 'sync',
        access: 'node',
        rawBodyMaxBytes: mirrorLimits.downAskMaxBytes,
        answer: changesAnswerSchema,
      },
      async ({ ctx, caller, rawBody }: { ctx: Context; caller: NodeRecord; rawBody: Buffer }) => {
        try {
          return await answerChanges(deps, held, { ctx, node: caller, body: rawBody });
        } catch (error) {
          deps.metrics.refused(error);
          throw error;
        }
      },
    ),
  ];
}

type Held = Map<string, BellListener[]>;

async function answerChanges(deps: ChangesDeps, held: Held, { ctx, node, body }: SignedCall) {
  const verified = await verifySigned(deps, { ctx, node, body, tag: 'changes/1' });
  deps.limiter.take(node.nodeId);
  if (verified.covered['content-type'] !== 'application/json' || verified.covered['content-encoding'] !== undefined)
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'This address takes application/json as it is.');
  const ask = changesAskSchema.parse(parseJson(body));
  requireTenant(ask, node);
  await deps.requireUnforked(node.nodeId);
  if (!deps.signer.isListed)
    throw new AppError('UNAVAILABLE', 'The Core cannot sign yet; nothing was changed. Try again.', {
      details: { retryAfterS: 5 },
    });
  const { kind, ...position } = await deps.downlink.open(ask, deps.now());
  deps.downMetrics.placed(kind);
  using listener = hold(deps.bell, held, node);
  ctx.res.once('close', listener.end);
  const found = await waitFor(deps, ask, position, listener);
  deps.downMetrics.told(found.changes.length);
  return { signed: await deps.signer.sign('sync-changes+jwt', node.nodeId, { ...position, ...found }) };
}

/** Waits until there is something, the time that the edge gave is over, or the call is. */
async function waitFor(deps: ChangesDeps, ask: ChangesAsk, position: DownPosition, listener: BellListener) {
  const until = performance.now() + ask.waitMs;
  for (;;) {
    // Nobody hears an answer any more: nothing is marked as told, and a database that closes is left alone.
    if (listener.isOver) return { head: position.after, changes: [] };
    const found = await deps.downlink.read(ask, position);
    const leftMs = until - performance.now();
    if (found.changes.length > 0 || leftMs <= 0) return found;
    await listener.rung(leftMs);
  }
}

/** Of too many calls of one node the oldest ends at once, empty: its connection is the one that may be dead. */
function hold(bell: Pick<Bell, 'listen'>, held: Held, { nodeId, establishmentId }: NodeRecord): BellListener {
  const listener = bell.listen(establishmentId);
  const calls = held.get(nodeId) ?? [];
  held.set(nodeId, calls);
  calls.push(listener);
  while (calls.filter(({ isOver }) => !isOver).length > mirrorLimits.downCallsPerNodeMax)
    calls.find(({ isOver }) => !isOver)?.end();
  return {
    rung: listener.rung,
    end: listener.end,
    get isOver() {
      return listener.isOver;
    },
    [Symbol.dispose]() {
      listener[Symbol.dispose]();
      calls.splice(calls.indexOf(listener), 1);
      if (calls.length === 0 && held.get(nodeId) === calls) held.delete(nodeId);
    },
  };
}
