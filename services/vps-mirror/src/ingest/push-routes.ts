import { sha256Hex } from '@sgp/auth/digest';
import type { VerifiedRequest } from '@sgp/auth/http-signature';
import { toAppError } from '@sgp/service-kit/problem';
import { type Route, route } from '@sgp/service-kit/route';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { pushAckSchema, pushPathByStream } from '@sgp/shared/sync';
import type { Context } from 'koa';
import { checkChange, type GoodChange } from './check-change.ts';
import { type Envelope, inflate, parseEnvelope } from './decode-batch.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { NodeLimiter } from './push-limiter.ts';
import type { PushOutcome, PushStore } from './push-store.ts';
import { type SignedRequestDeps, verifySigned } from './signed-request.ts';

export type PushDeps = SignedRequestDeps & {
  readonly pushes: Pick<PushStore, 'commit'>;
  readonly limiter: NodeLimiter;
  readonly metrics: IngestMetrics;
  /** Called right after the commit: open streams hear of the new versions. */
  readonly onApplied: (applied: readonly GoodChange[]) => void;
};

/** `POST /internal/sync/pedidos`: verified, applied and acknowledged in the order of SECURITY 3.1. */
export function pushRoutes(deps: PushDeps): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        path: pushPathByStream.orders,
        summary: 'Signed push of order snapshots',
        tag: 'sync',
        access: 'node',
        rawBodyMaxBytes: limits.pushBodyMaxBytes,
        answer: pushAckSchema,
      },
      async ({ ctx, caller, rawBody }: { ctx: Context; caller: NodeRecord; rawBody: Buffer }) => {
        try {
          return (await acceptPush(deps, { ctx, node: caller, body: rawBody })).ack;
        } catch (error) {
          const refusal = toAppError(error);
          deps.metrics.refused(refusal);
          throw error;
        }
      },
    ),
  ];
}

type SignedCall = { readonly ctx: Context; readonly node: NodeRecord; readonly body: Buffer };

async function acceptPush(deps: PushDeps, { ctx, node, body }: SignedCall): Promise<PushOutcome> {
  const verified = await verifySigned(deps, { ctx, node, body, tag: 'snapshot-push/1' });
  deps.limiter.take(node.nodeId);
  if (verified.covered['content-type'] !== 'application/json')
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'This address takes application/json.');
  const inflated = await inflate(body, verified.covered['content-encoding'] ?? '');
  const envelope = parseEnvelope(inflated);
  requireTenant(envelope, node);
  const outcome = await deps.pushes.commit({
    node,
    envelope,
    checked: envelope.changes.map((change) => checkChange(change, node)),
    body,
    digest: sha256Hex(body),
    idempotencyKey: verified.covered['idempotency-key'] ?? '',
    evidence: evidenceOf(verified, node),
  });
  if (outcome.kind === 'committed') {
    deps.onApplied(outcome.applied);
    deps.metrics.changes(outcome.results);
  }
  deps.metrics.batch(outcome.kind, { received: body.length, inflated: inflated.length });
  return outcome;
}

function requireTenant(envelope: Envelope, node: NodeRecord): void {
  const own =
    envelope.companyId === node.companyId &&
    envelope.establishmentId === node.establishmentId &&
    envelope.nodeId === node.nodeId;
  if (!own) throw new AppError('TENANT_MISMATCH', 'The push names another company, establishment or node.');
}

function evidenceOf({ keyId, covered, signature, signatureInput }: VerifiedRequest, node: NodeRecord) {
  const publicJwk = node.keys.find((key) => key.keyId === keyId)?.publicJwk;
  return { keyId, publicJwk, covered, signature, signatureInput };
}
