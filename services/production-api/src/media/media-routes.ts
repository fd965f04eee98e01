import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { mediaSchema, newMediaBody, patchMediaBody } from '@sgp/shared/api/orders';
import { AppError } from '@sgp/shared/errors';
import { type MediaPreset, mediaPresets } from '@sgp/shared/floor-messages';
import { uuidSchema } from '@sgp/shared/ids';
import { limits } from '@sgp/shared/limits';
import type { Context } from 'koa';
import * as z from 'zod';
import { sessionRoute } from '../people/session-route.ts';
import { imageHeadBytes, imageTypeOf } from './image-type.ts';
import type { MediaFiles } from './media-files.ts';
import type { MediaService } from './media-service.ts';

const previewParams = z.strictObject({
  id: uuidSchema,
  preset: z.enum(mediaPresets.map(String) as ['160', '480', '1280']),
});

export const mediaRoutes = (media: MediaService, files: MediaFiles): readonly Route[] => [
  ...uploadRoutes(media),
  ...photoRoutes(media),
  ...fileRoutes(media, files),
];

const uploadRoutes = (media: MediaService): readonly Route[] => [
  sessionRoute(
    {
      method: 'POST',
      path: '/api/orders/:id/media',
      summary: 'Begin the upload of a photo; a repeat is the same upload',
      tag: 'media',
      access: 'session',
      params: idParams,
      body: newMediaBody,
      answer: mediaSchema,
      status: 201,
    },
    ({ params, body }) => media.start(params.id, body),
  ),
  sessionRoute(
    {
      method: 'PATCH',
      path: '/api/media/:id/content',
      summary: 'The next bytes of an upload; header `upload-offset` says where they belong',
      tag: 'media',
      access: 'session',
      params: idParams,
      rawBodyMaxBytes: limits.mediaChunkMaxBytes,
      answer: mediaSchema,
    },
    ({ params, rawBody, caller, ctx }) => media.append(params.id, uploadOffset(ctx), rawBody, caller.actor),
  ),
];

function uploadOffset(ctx: Context): number {
  if (!ctx.is('application/octet-stream'))
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'This address takes application/octet-stream.');
  const offset = ctx.get('upload-offset');
  if (!/^\d{1,12}$/.test(offset))
    throw new AppError('BODY_INVALID', 'The header `upload-offset` must say where these bytes belong.');
  return Number(offset);
}

const photoRoutes = (media: MediaService): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/media/:id',
      summary: 'One photo and where its upload stands',
      tag: 'media',
      access: 'session',
      params: idParams,
      answer: mediaSchema,
    },
    ({ params }) => media.get(params.id),
  ),
  sessionRoute(
    {
      method: 'PATCH',
      path: '/api/media/:id',
      summary: 'Show a photo to the customer, or hide it',
      tag: 'media',
      access: 'session',
      params: idParams,
      body: patchMediaBody,
      answer: mediaSchema,
    },
    ({ params, body, caller }) => media.setVisible(params.id, body.visible, caller.actor),
  ),
  sessionRoute(
    {
      method: 'DELETE',
      path: '/api/media/:id',
      summary: 'Remove a photo, its files and what the store has of it',
      tag: 'media',
      access: 'session',
      params: idParams,
    },
    ({ params, caller }) => media.remove(params.id, caller.actor),
  ),
  sessionRoute(
    {
      method: 'POST',
      path: '/api/media/:id/retry',
      summary: 'Try a photo again whose thumbnails failed',
      tag: 'media',
      access: 'session',
      params: idParams,
      answer: mediaSchema,
    },
    ({ params }) => media.retry(params.id),
  ),
];

const fileRoutes = (media: MediaService, files: MediaFiles): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/media/:id/preview/:preset',
      summary: 'A preview as WebP, from the disk of the shop',
      tag: 'media',
      access: 'session',
      params: previewParams,
    },
    async ({ params, ctx }) => {
      ctx.status = 200;
      ctx.set('etag', `"${params.id}-${params.preset}"`);
      // The bytes of a preview never change: another picture is another id.
      ctx.set('cache-control', 'private, max-age=31536000, immutable');
      if (ctx.fresh) {
        ctx.status = 304;
        ctx.body = '';
        return;
      }
      const bytes = await files.preview(params.id, Number(params.preset) as MediaPreset);
      if (!bytes) throw noFile(ctx);
      ctx.type = 'image/webp';
      ctx.body = bytes;
    },
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/media/:id/original',
      summary: 'The photo as it was uploaded',
      tag: 'media',
      access: 'session',
      params: idParams,
    },
    async ({ params, ctx }) => {
      const { fileName, state } = await media.get(params.id);
      if (state === 'uploading' || !(await files.hasOriginal(params.id))) throw noFile(ctx);
      const path = files.originalPath(params.id);
      const { type, sizeBytes } = await describe(path);
      ctx.set('content-disposition', `inline; filename*=UTF-8''${encodeURIComponent(fileName.toWellFormed())}`);
      ctx.set('cache-control', 'private, no-cache');
      ctx.type = type;
      ctx.length = sizeBytes;
      ctx.body = createReadStream(path);
    },
  ),
];

function noFile(ctx: Context): AppError {
  ctx.remove('etag');
  ctx.set('cache-control', 'no-store');
  return new AppError('NOT_FOUND', 'There is no such picture yet.');
}

/** The type is read from the bytes: what the browser or the file's name says is not trusted. */
async function describe(path: string): Promise<{ readonly type: string; readonly sizeBytes: number }> {
  const file = await open(path, 'r');
  try {
    const head = new Uint8Array(imageHeadBytes);
    await file.read(head, 0, imageHeadBytes, 0);
    return { type: imageTypeOf(head) ?? 'application/octet-stream', sizeBytes: (await file.stat()).size };
  } finally {
    await file.close();
  }
}
