import type { Database } from '@sgp/service-kit/database';
import type { MediaDeleted } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';

/** Removed photos of which media-sync has not confirmed yet that nothing is left of them. */
export type DeletedMediaStore = {
  add(tx: Database, media: MediaDeleted, nowMs: number): Promise<void>;
  has(db: Database, mediaId: string): Promise<boolean>;
  /** Longest waiting first. */
  list(db: Database): Promise<readonly MediaDeleted[]>;
  /** Nothing is left of it: the row goes. */
  confirm(tx: Database, mediaId: string): Promise<void>;
};

export function createDeletedMediaStore(): DeletedMediaStore {
  return {
    async add(tx, { mediaId, orderId }, nowMs) {
      await tx('deleted_media').insert({ media_id: mediaId, order_id: orderId, deleted_at: nowMs });
    },
    has: async (db, mediaId) =>
      (await db('deleted_media').where({ media_id: mediaId }).first('media_id')) !== undefined,
    list: (db) =>
      db('deleted_media')
        .select({ mediaId: 'media_id', orderId: 'order_id' })
        .orderBy(['deleted_at', 'media_id'])
        .limit(limits.pageMaxRows),
    async confirm(tx, mediaId) {
      await tx('deleted_media').where({ media_id: mediaId }).delete();
    },
  };
}
