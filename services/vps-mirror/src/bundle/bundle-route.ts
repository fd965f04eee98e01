import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type Route, route } from '@sgp/service-kit/route';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { PushAck, StreamName } from '@sgp/shared/sync';
import { type BundleAckClaims, bundleAckFormat, bundlePath } from '@sgp/shared/sync-bundle';
import type { Context } from 'koa';
import type { IngestMetrics } from '../ingest/ingest-metrics.ts';
import type { InstanceStore } from '../ingest/instance-store.ts';
import { type PushDeps, takePush } from '../ingest/push-routes.ts';
import { isGuess } from '../ingest/signed-request.ts';
import type { StrikeLimiter } from '../ingest/strike-limiter.ts';
import type { CoreSigner } from '../keys/core-signer.ts';
import { type BundleSpool, fileTooLarge, type SpooledFile } from './bundle-spool.ts';
import { type OpenedBundle, type ReadBundleDeps, readBundle } from './read-bundle.ts';

export type BundleDeps = ReadBundleDeps &
  Pick<PushDeps, 'pushes' | 'onOrders'> & {
    readonly instances: Pick<InstanceStore, 'takeFile'>;
    readonly spool: BundleSpool;
    readonly signer: CoreSigner;
    readonly strikes: StrikeLimiter;
    readonly metrics: IngestMetrics;
  };

/**
 * `POST /internal/sync/bundle`: a file of pushes, from whoever carries it. Nothing is asked of the carrier: what counts is
 * signed by the node. The file is verified whole before anything of it is applied, so that one which is cut or changed
 * leaves no trace; each of its batches is then applied as the push that it is.
 */
export const bundleRoutes = (deps: BundleDeps): readonly Route[] => [
  route(
    {
      method: 'POST',
      path: bundlePath,
      summary: 'Pushes that came as a file; answers the signed acknowledgement, a file as well',
      tag: 'sync',
      access: 'open',
    },
    async ({ ctx }) => {
      try {
        deps.strikes.check(ctx.ip);
        await takeBundle(deps, ctx);
      } catch (error) {
        deps.metrics.refused(error);
        if (isGuess(error)) deps.strikes.strike(ctx.ip);
        // What is left of the file is not kept: the carrier hears the refusal, and the connection ends.
        ctx.set('connection', 'close');
        ctx.req.resume();
        throw error;
      }
    },
  ),
];

async function takeBundle(deps: BundleDeps, ctx: Context): Promise<void> {
  if (Number(ctx.get('content-length')) > limits.bundleFileMaxBytes) throw fileTooLarge();
  if (!deps.signer.isListed)
    throw new AppError('UNAVAILABLE', 'The Core cannot sign an answer yet; nothing was kept. Try again.', {
      details: { retryAfterS: 5 },
    });
  using place = new DisposableStack();
  await using file = await deps.spool.create();
  const chunks = ctx.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  const bundle = await readBundle(deps, file.keep(chunks), {
    opened: async ({ node }) => void place.use(deps.spool.enter(node.nodeId)),
  });
  await deps.instances.takeFile(bundle.node, bundle.opening, deps.now());
  const lines = await applyBundle(deps, bundle, file);
  deps.metrics.bundle();
  ctx.set('content-disposition', `attachment; filename="sgp-${bundle.opening.bundleId}.ack.gz"`);
  ctx.type = 'application/gzip';
  ctx.body = Readable.from(lines).pipe(createGzip());
}

/** @returns the acknowledgement's lines */
async function applyBundle(
  deps: BundleDeps,
  { node, opening, batches }: OpenedBundle & { readonly batches: number },
  file: SpooledFile,
): Promise<readonly string[]> {
  const { bundleId } = opening;
  const lines = [`${JSON.stringify({ format: bundleAckFormat, bundleId })}\n`];
  const acknowledge = async (place: number, stream: StreamName, ack: PushAck): Promise<void> => {
    const claims: BundleAckClaims = { bundleId, place, of: batches, stream, ack };
    lines.push(`${await deps.signer.sign('bundle-ack+jwt', node.nodeId, claims)}\n`);
  };
  await readBundle(deps, file.read(), {
    async batch(batch) {
      const outcome = await takePush(deps, { ...batch, node, arrivedAtMs: deps.now(), by: 'file' });
      await acknowledge(lines.length, batch.stream, outcome.ack);
    },
  });
  return lines;
}
