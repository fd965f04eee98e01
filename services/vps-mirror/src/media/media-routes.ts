import { type Route, route } from '@sgp/service-kit/route';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { Context } from 'koa';
import * as z from 'zod';
import type { IngestMetrics } from '../ingest/ingest-metrics.ts';
import type { NodeLimiter } from '../ingest/push-limiter.ts';
import { type SignedRequestDeps, verifySigned } from '../ingest/signed-request.ts';
import { type MediaFiles, type MediaKey, mediaTypeOf, parseMediaKey } from './media-files.ts';
import type { OwnMediaUrls } from './media-urls.ts';

export type MediaDeps = SignedRequestDeps & {
  readonly files: MediaFiles;
  readonly urls: Pick<OwnMediaUrls, 'verify'>;
  readonly limiter: NodeLimiter;
  readonly metrics: Pick<IngestMetrics, 'refused'>;
};

const keyPath = ':companyId/:establishmentId/:mediaId/:file';
const params = z.object({
  companyId: z.string(),
  establishmentId: z.string(),
  mediaId: z.string(),
  file: z.string(),
});
type Params = z.infer<typeof params>;
type NodeCall = {
  readonly ctx: Context;
  readonly caller: NodeRecord;
  readonly params: Params;
  readonly rawBody: Buffer;
};

/** The mirror's own photo store: signed writing by nodes, reading by short-lived addresses. */
export function mediaRoutes(deps: MediaDeps): readonly Route[] {
  const internal = { path: `/internal/media/${keyPath}`, tag: 'media', access: 'node', params } as const;
  return [
    route(
      {
        ...internal,
        method: 'PUT',
        summary: 'Signed: stores one size of a photo',
        rawBodyMaxBytes: limits.mediaDerivedMaxBytes,
        status: 201,
      },
      async (call: NodeCall) => {
        const key = await verifyMediaCall(deps, call);
        if (!isImage(call.rawBody, key))
          throw new AppError('MEDIA_NOT_IMAGE', 'The bytes are not an image of the kind that the name says.');
        await deps.files.write(key, call.rawBody);
        return { key, bytes: call.rawBody.length };
      },
    ),
    route(
      { ...internal, method: 'DELETE', summary: 'Signed: removes one size of a photo; a repeat is the same' },
      async (call: NodeCall) => {
        await deps.files.remove(await verifyMediaCall(deps, call));
      },
    ),
    route(
      { ...internal, method: 'HEAD', summary: 'Signed: whether one size of a photo is stored' },
      async (call: NodeCall) => {
        const key = await verifyMediaCall(deps, call);
        await answerFile(deps.files, call.ctx, key);
      },
    ),
    route(
      {
        method: 'GET',
        path: `/media/${keyPath}`,
        summary: 'A photo, by a signed address',
        tag: 'media',
        access: 'open',
        params,
        query: z.object({ exp: z.coerce.number().int().catch(0), sig: z.string().catch('') }),
      },
      async ({ ctx, params: parts, query }) => {
        ctx.set('x-robots-tag', 'noindex, nofollow');
        const key = parseMediaKey(keyOf(parts));
        // A wrong signature, an ended one and a photo that is not here look alike.
        if (!key || !deps.urls.verify(key, query.exp, query.sig)) throw notFound();
        await answerFile(deps.files, ctx, key);
        ctx.set('cache-control', `private, max-age=${limits.signedMediaUrlLifeS}, immutable`);
      },
    ),
  ];
}

async function verifyMediaCall(
  deps: MediaDeps,
  { ctx, caller: node, params: parts, rawBody }: NodeCall,
): Promise<MediaKey> {
  try {
    await verifySigned(deps, { ctx, node, body: rawBody, tag: 'media-push/1' });
    // Asking is cheap and follows each write; the audit asks for 1,200 files at a time.
    if (ctx.method !== 'HEAD') deps.limiter.take(node.nodeId);
    if (parts.companyId !== node.companyId || parts.establishmentId !== node.establishmentId)
      throw new AppError('TENANT_MISMATCH', 'This photo belongs to another company or establishment.');
    const key = parseMediaKey(keyOf(parts));
    if (!key) throw notFound();
    return key;
  } catch (error) {
    deps.metrics.refused(error);
    throw error;
  }
}

async function answerFile(files: MediaFiles, ctx: Context, key: MediaKey): Promise<void> {
  const size = await files.size(key);
  if (size === undefined) throw notFound();
  ctx.status = 200;
  ctx.body = ctx.method === 'HEAD' ? Buffer.alloc(0) : files.read(key);
  ctx.type = mediaTypeOf(key);
  ctx.length = size;
}

const keyOf = ({ companyId, establishmentId, mediaId, file }: Params): string =>
  `${companyId}/${establishmentId}/${mediaId}/${file}`;

const notFound = (): AppError => new AppError('NOT_FOUND', 'Nothing has this address.');

/** First bytes of a JPEG (SOI and a marker) and of a WebP (RIFF container): nothing else is ever served from here. */
function isImage(bytes: Buffer, key: MediaKey): boolean {
  if (mediaTypeOf(key) === 'image/jpeg') return bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]));
  return bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP';
}
