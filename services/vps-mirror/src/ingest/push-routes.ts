import { sha256Hex } from '@sgp/auth/digest';
import type { VerifiedRequest } from '@sgp/auth/http-signature';
import { toAppError } from '@sgp/service-kit/problem';
import { type Route, route } from '@sgp/service-kit/route';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { limits } from '@sgp/shared/limits';
import { pushAckSchema, type StreamName, streamRules, streams } from '@sgp/shared/sync';
import type { BulkGate } from './bulk-gate.ts';
import { checkChange, type GoodChange } from './check-change.ts';
import { parseEnvelope } from './decode-batch.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { NodeLimiter } from './push-limiter.ts';
import type { Evidence, Push, PushOutcome, PushStore } from './push-store.ts';
import {
  requireTenant,
  type SignedCall,
  type SignedRequestDeps,
  signedJsonBytes,
  verifySigned,
} from './signed-request.ts';

export type PushDeps = SignedRequestDeps & {
  readonly pushes: Pick<PushStore, 'commit'>;
  readonly limiter: NodeLimiter;
  readonly bulk: BulkGate;
  readonly metrics: IngestMetrics;
  /** Called right after the commit: open streams hear of the new versions. */
  readonly onOrders: (applied: readonly GoodChange<'orders'>[]) => void;
};

/** `POST` to the address of each stream: verified, applied and acknowledged in the order of SECURITY 3.1. */
export const pushRoutes = (deps: PushDeps): readonly Route[] => streams.map((stream) => pushRoute(deps, stream));

function pushRoute(deps: PushDeps, stream: StreamName): Route {
  return route(
    {
      method: 'POST',
      path: streamRules[stream].path,
      summary: `Signed push of changes of the stream ${stream}`,
      tag: 'sync',
      access: 'node',
      rawBodyMaxBytes: limits.pushBodyMaxBytes,
      answer: pushAckSchema,
    },
    async ({ ctx, caller, rawBody }: { ctx: SignedCall['ctx']; caller: NodeRecord; rawBody: Buffer }) => {
      try {
        return (await acceptPush(deps, stream, { ctx, node: caller, body: rawBody })).ack;
      } catch (error) {
        const refusal = toAppError(error);
        deps.metrics.refused(refusal);
        throw error;
      }
    },
  );
}

async function acceptPush(deps: PushDeps, stream: StreamName, { ctx, node, body }: SignedCall): Promise<PushOutcome> {
  const arrivedAtMs = deps.now();
  const verified = await verifySigned(deps, { ctx, node, body, tag: 'snapshot-push/1' });
  deps.limiter.take(node.nodeId);
  using _place = await deps.bulk.enter(body.length);
  const inflated = await signedJsonBytes(verified, body);
  const envelope = parseEnvelope(inflated, stream);
  requireTenant(envelope, node);
  return await takePush(deps, { ...{ node, stream, envelope, verified, body, inflated, arrivedAtMs }, by: 'line' });
}

export type VerifiedPush = Pick<Push, 'node' | 'stream' | 'envelope' | 'body' | 'arrivedAtMs' | 'by'> & {
  readonly verified: VerifiedRequest;
  readonly inflated: Buffer;
};

/** Applies a push whose signature, shape and tenant were found right, however it came. */
export async function takePush(
  deps: Pick<PushDeps, 'pushes' | 'metrics' | 'onOrders'>,
  { verified, inflated, ...push }: VerifiedPush,
): Promise<PushOutcome> {
  const { node, stream, envelope, body } = push;
  const outcome = await deps.pushes.commit({
    ...push,
    checked: envelope.changes.map((change) => checkChange(stream, change, node)),
    digest: sha256Hex(body),
    idempotencyKey: verified.covered['idempotency-key'] ?? '',
    evidence: evidenceOf(verified, node),
  });
  if (outcome.kind === 'committed') {
    if (stream === 'orders') deps.onOrders(outcome.applied as readonly GoodChange<'orders'>[]);
    deps.metrics.changes(stream, outcome.results);
  }
  deps.metrics.batch(stream, outcome.kind, { received: body.length, inflated: inflated.length });
  return outcome;
}

function evidenceOf({ keyId, covered, signature, signatureInput }: VerifiedRequest, node: NodeRecord): Evidence {
  const publicJwk = node.keys.find((key) => key.keyId === keyId)?.publicJwk;
  return { keyId, publicJwk, covered, signature, signatureInput };
}
