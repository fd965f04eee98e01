import type { Database } from '@sgp/service-kit/database';
import type { Media, newMediaBody } from '@sgp/shared/api/orders';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type * as z from 'zod';
import type { Actor, AuditStore, Facts } from '../audit/audit-store.ts';
import type { MediaRecord } from '../orders/order-record.ts';
import type { OrderStore } from '../orders/order-store.ts';
import { toMedia } from '../orders/order-view.ts';
import type { OrderTransaction, OrderWriter } from '../orders/order-writer.ts';
import type { DeletedMediaStore } from './deleted-media-store.ts';
import { imageTypeOf } from './image-type.ts';
import { createKeyedLock } from './keyed-lock.ts';
import type { MediaFiles } from './media-files.ts';
import type { MediaNews } from './media-news.ts';
import type { MediaStore } from './media-store.ts';

/** Photos of orders: uploads that resume, what customers may see, removal. Refusals are AppErrors. */
export type MediaService = {
  /** Begins an upload; a repeat with the same id is the same upload. @throws AppError NOT_FOUND, MEDIA_TOO_LARGE, ALREADY_EXISTS */
  start(orderId: string, body: z.infer<typeof newMediaBody>): Promise<Media>;
  /**
   * Takes the next bytes; they are on the disk when it answers. The last ones complete the photo, or refuse it when it is
   * no image (state `refused`, the file removed).
   * @throws AppError NOT_FOUND; UPLOAD_OFFSET_MISMATCH with `details.offset`
   */
  append(mediaId: string, offset: number, bytes: Uint8Array, actor: Actor): Promise<Media>;
  get(mediaId: string): Promise<Media>;
  setVisible(mediaId: string, visible: boolean, actor: Actor): Promise<Media>;
  /** Removes a photo from its order and its files from the shop; its objects in the store go as soon as the store is in reach. */
  remove(mediaId: string, actor: Actor): Promise<void>;
  /** Asks for the thumbnails of a refused or waiting photo again. @throws AppError MEDIA_ORIGINAL_MISSING */
  retry(mediaId: string): Promise<Media>;
  /** Announces what waits, removals included, and gives up uploads that nobody continues. */
  sweep(): Promise<void>;
};

export type MediaServiceDeps = {
  readonly db: Database;
  readonly media: MediaStore;
  readonly deleted: DeletedMediaStore;
  readonly files: MediaFiles;
  readonly orders: Pick<OrderStore, 'load'>;
  readonly writer: OrderWriter;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly news: MediaNews;
};

const notImage = {
  code: 'MEDIA_NOT_IMAGE',
  detail: 'The file is not an image that SGP reads (JPEG, PNG, WebP, GIF, TIFF, AVIF).',
} as const;

export function createMediaService(deps: MediaServiceDeps): MediaService {
  const { db, media, deleted, files, writer, news } = deps;
  const lock = createKeyedLock();

  const must = async (tx: Database, mediaId: string): Promise<MediaRecord> => {
    const found = await media.find(tx, mediaId);
    if (!found) throw new AppError('NOT_FOUND', 'There is no such photo.');
    return found;
  };
  const note = (tx: Database, record: MediaRecord, actor: Actor, facts: Facts): Promise<void> =>
    deps.audit.append(tx, {
      at: Date.now(),
      actor,
      entity: 'order',
      entityId: record.orderId,
      action: 'media',
      summary: { mediaId: record.mediaId, fileName: record.fileName, ...facts },
      before: {},
      after: {},
    });
  /** What is published is in the order's snapshot, so its change is a new version; else it is only a line of history. */
  const record = async (order: OrderTransaction, before: MediaRecord, actor: Actor, facts: Facts): Promise<void> => {
    if (before.state !== 'published') return note(order.tx, before, actor, facts);
    const { mediaId, fileName } = before;
    await order.change(before.orderId, actor, null, (same) => ({
      order: same,
      kind: 'media',
      facts: { mediaId, fileName, ...facts },
    }));
  };
  const complete = async (found: MediaRecord, actor: Actor): Promise<MediaRecord> => {
    const isImage = imageTypeOf(await files.partHead(found.mediaId)) !== null;
    if (isImage) await files.finish(found.mediaId, found.sizeBytes);
    else await files.removePart(found.mediaId);
    const done: MediaRecord = {
      ...found,
      receivedBytes: found.sizeBytes,
      state: isImage ? 'uploaded' : 'refused',
      error: isImage ? null : notImage,
    };
    await db.transaction(async (tx) => {
      await media.update(tx, found, done);
      await note(tx, done, actor, { action: isImage ? 'added' : 'refused' });
    });
    if (isImage) news.uploaded(done);
    news.changed(done, done.state);
    return done;
  };

  return {
    async start(orderId, body) {
      if (body.sizeBytes > limits.mediaFileMaxBytes)
        throw new AppError('MEDIA_TOO_LARGE', 'The photo is over the limit; nothing was kept.', {
          details: { maxBytes: limits.mediaFileMaxBytes },
        });
      return lock(body.mediaId, async () => toMedia(await db.transaction((tx) => begin(tx, deps, orderId, body))));
    },
    append: (mediaId, offset, bytes, actor) =>
      lock(mediaId, async () => {
        const found = await must(db, mediaId);
        if (found.state !== 'uploading' || found.receivedBytes !== offset)
          throw new AppError('UPLOAD_OFFSET_MISMATCH', 'These bytes do not continue the upload; go on from `offset`.', {
            details: { offset: found.receivedBytes, state: found.state },
          });
        const receivedBytes = offset + bytes.length;
        if (bytes.length === 0 || receivedBytes > found.sizeBytes)
          throw new AppError('BODY_INVALID', 'No bytes, or more than the upload announced; nothing of these was kept.');
        await files.writePart(mediaId, offset, bytes);
        if (receivedBytes === found.sizeBytes) return toMedia(await complete(found, actor));
        const grown = { ...found, receivedBytes };
        await media.update(db, found, grown);
        return toMedia(grown);
      }),
    get: async (mediaId) => toMedia(await must(db, mediaId)),
    setVisible: (mediaId, visible, actor) =>
      lock(mediaId, async () => {
        const changed = await writer.transaction(async (order) => {
          const before = await must(order.tx, mediaId);
          if (before.visible === visible) return before;
          const after = { ...before, visible };
          await media.update(order.tx, before, after);
          await record(order, before, actor, { action: visible ? 'shown' : 'hidden' });
          return after;
        });
        news.changed(changed, changed.state);
        return toMedia(changed);
      }),
    remove: (mediaId, actor) =>
      lock(mediaId, async () => {
        const gone = await writer.transaction(async (order) => {
          const before = await must(order.tx, mediaId);
          await media.remove(order.tx, mediaId);
          // An upload that never became whole was never announced: media-sync has nothing of it.
          if (before.state !== 'uploading') await deleted.add(order.tx, before, Date.now());
          await record(order, before, actor, { action: 'removed' });
          return before;
        });
        news.changed(gone, 'deleted');
        // First the original, then the news: what media-sync does with a late `uploaded` finds no file any more.
        await files.remove(mediaId);
        if (gone.state !== 'uploading') news.deleted(gone);
      }),
    retry: (mediaId) =>
      lock(mediaId, async () => {
        const before = await must(db, mediaId);
        if (before.state === 'published' || before.state === 'uploading') return toMedia(before);
        if (!(await files.hasOriginal(mediaId)))
          throw new AppError('MEDIA_ORIGINAL_MISSING', 'The file is no longer there: send the photo again.');
        const after: MediaRecord = { ...before, state: 'uploaded', error: null };
        await media.update(db, before, after);
        news.uploaded(after);
        news.changed(after, after.state);
        return toMedia(after);
      }),
    async sweep() {
      for (const waiting of await media.unfinished(db)) news.uploaded(waiting);
      for (const gone of await deleted.list(db))
        await lock(gone.mediaId, async () => {
          // Confirmed meanwhile, the id is free, and a file of this name may be another upload's.
          if (!(await deleted.has(db, gone.mediaId))) return;
          await files.remove(gone.mediaId);
          news.deleted(gone);
        });
      for (const { mediaId } of await media.abandoned(db, Date.now() - limits.mediaUploadAbandonedMs))
        await lock(mediaId, async () => {
          await media.remove(db, mediaId);
          await files.remove(mediaId);
        });
    },
  };
}

async function begin(
  tx: Database,
  { media, deleted, orders }: Pick<MediaServiceDeps, 'media' | 'deleted' | 'orders'>,
  orderId: string,
  body: z.infer<typeof newMediaBody>,
): Promise<MediaRecord> {
  const known = await media.find(tx, body.mediaId);
  if (known?.orderId === orderId && known.sizeBytes === body.sizeBytes) return known;
  if (known || (await deleted.has(tx, body.mediaId)))
    throw new AppError('ALREADY_EXISTS', 'Another photo has this id, or had it and was removed; nothing was kept.');
  const order = await orders.load(tx, orderId);
  if (!order) throw new AppError('NOT_FOUND', 'There is no such order.');
  if (order.media.length >= limits.orderMediaMax)
    throw new AppError('BODY_INVALID', `An order has at most ${limits.orderMediaMax} photos; nothing was kept.`);
  const now = Date.now();
  const begun: MediaRecord = {
    mediaId: body.mediaId,
    orderId,
    fileName: body.fileName,
    sizeBytes: body.sizeBytes,
    receivedBytes: 0,
    state: 'uploading',
    stage: order.stage,
    visible: body.visible ?? true,
    takenAt: now,
    width: null,
    height: null,
    thumbhash: null,
    keys: null,
    error: null,
    createdAt: now,
  };
  await media.insert(tx, begun);
  return begun;
}
