import { toAppError } from '@sgp/service-kit/problem';
import { type Route, route } from '@sgp/service-kit/route';
import { version } from '@sgp/service-kit/version';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { uuidSchema } from '@sgp/shared/ids';
import { helloAnswerSchema, helloPath, helloSchema } from '@sgp/shared/sync-hello';
import * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { InstanceStore } from './instance-store.ts';
import type { NodeLimiter } from './push-limiter.ts';
import { type SignedCall, type SignedRequestDeps, signedJson } from './signed-request.ts';

export type HelloDeps = SignedRequestDeps & {
  readonly instances: InstanceStore;
  readonly limiter: NodeLimiter;
  readonly metrics: Pick<IngestMetrics, 'refused' | 'hello'>;
};

/** The handshake of a bridge, and the vendor's word on a node of which two live copies were seen. */
export function helloRoutes(deps: HelloDeps): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        path: helloPath,
        summary: 'Handshake of a bridge with the Core; the call is signed, tag snapshot-push/1',
        tag: 'sync',
        access: 'node',
        rawBodyMaxBytes: mirrorLimits.helloMaxBytes,
        answer: helloAnswerSchema,
      },
      async ({ ctx, caller, rawBody }: { ctx: SignedCall['ctx']; caller: NodeRecord; rawBody: Buffer }) => {
        try {
          const hello = await signedJson(deps, { ctx, node: caller, body: rawBody }, helloSchema);
          const nowMs = deps.now();
          const outcome = await deps.instances.hello(caller, hello, nowMs);
          deps.metrics.hello(outcome.verdict);
          return { schemaVersion: 2 as const, ...outcome, coreTimeMs: nowMs, version };
        } catch (error) {
          deps.metrics.refused(toAppError(error));
          throw error;
        }
      },
    ),
    route(
      {
        method: 'POST',
        path: '/api/core/nodes/:nodeId/clear-fork',
        summary: 'One of two live copies of a node was stopped: the other goes on',
        tag: 'core',
        access: 'operator',
        params: z.object({ nodeId: uuidSchema }),
        status: 204,
      },
      async ({ params }) => {
        if (!(await deps.instances.clearFork(params.nodeId)))
          throw new AppError('NOT_FOUND', 'No such node said hello.');
      },
    ),
  ];
}
