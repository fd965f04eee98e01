import type { Database } from '@sgp/service-kit/database';
import type { ErrorCode } from '@sgp/shared/errors';
import type { MediaDeleted, MediaUploaded } from '@sgp/shared/floor-messages';
import { type Derived, type Photo, type PhotoState, photoStates, type Refused } from './photo.ts';

export type TakeOptions = {
  readonly nowMs: number;
  /** Photos that are in work already. */
  readonly busy: ReadonlySet<string>;
  /** The oldest photo instead of the newest. */
  readonly oldestFirst: boolean;
};

/** A photo to work on, or when the next one is due (milliseconds since 1970; null when none waits). */
export type Taken = { readonly photo: Photo } | { readonly photo: null; readonly nextDueAt: number | null };

/**
 * media.db: one row a photo. Each change is one transaction, so a death at any moment leaves a state to go on from. What a
 * piece of work saves counts only in the state that it was taken in: a photo removed meanwhile stays so.
 */
export type PhotoStore = {
  /** Notes uploads, once each; a repeat of a finished one asks for its outcome to be announced again. */
  receive(uploads: readonly MediaUploaded[], nowMs: number): Promise<void>;
  /** Notes removals, also of photos that are not known here: their objects may be in the store from before. */
  receiveDeleted(removals: readonly MediaDeleted[], nowMs: number): Promise<void>;
  /** Takes a photo to decode; the start is counted before the work begins. */
  takeToDerive(options: TakeOptions): Promise<Taken>;
  saveDerived(mediaId: string, derived: Derived): Promise<void>;
  saveRefused(mediaId: string, refused: Refused): Promise<void>;
  /** The work ended without a result and without blame of the picture: its starts are forgiven. */
  retryDerive(mediaId: string, nextTryAt: number): Promise<void>;
  /** The work died or took too long: the start stays counted. */
  retryDeriveSuspect(mediaId: string, nextTryAt: number): Promise<void>;
  takeToPublish(options: TakeOptions): Promise<Taken>;
  savePublished(mediaId: string, nowMs: number): Promise<void>;
  retryPublish(mediaId: string, nextTryAt: number): Promise<void>;
  /** Its derived files are gone from the disk: back to the original. */
  deriveAnew(mediaId: string): Promise<void>;
  /** Takes a photo whose objects must go; the try is counted. */
  takeToDelete(options: TakeOptions): Promise<Taken>;
  saveDeleted(mediaId: string): Promise<void>;
  retryDelete(mediaId: string, nextTryAt: number): Promise<void>;
  /** The oldest photo whose state the bus was not told. */
  nextUnannounced(): Promise<Photo | null>;
  /** The row of a deleted photo goes with it. */
  saveAnnounced(mediaId: string, state: PhotoState): Promise<void>;
  /** Published photos that were last checked in the store before `checkedBefore`, longest unchecked first. */
  listToCheck(checkedBefore: number, limit: number): Promise<readonly Photo[]>;
  saveChecked(mediaId: string, nowMs: number): Promise<void>;
  /** The store does not have it any more: it is uploaded again. Nobody is told, for its keys stay the same. */
  saveForgotten(mediaId: string): Promise<void>;
  find(mediaId: string): Promise<Photo | null>;
  /** Photos by state, how many wait to be announced, and since when the oldest one waits for the store. */
  summary(): Promise<{
    readonly byState: Readonly<Record<PhotoState, number>>;
    readonly unannounced: number;
    readonly oldestPendingAt: number | null;
  }>;
};

type Row = {
  media_id: string;
  order_id: string;
  file: string;
  state: PhotoState;
  received_at: number;
  next_try_at: number;
  derive_starts: number;
  derive_failures: number;
  publish_attempts: number;
  width: number | null;
  height: number | null;
  thumbhash: string | null;
  taken_at: number | null;
  file_sizes: string | null;
  refused_code: ErrorCode | null;
  refused_detail: string | null;
};

const toPhoto = (row: Row): Photo => ({
  mediaId: row.media_id,
  orderId: row.order_id,
  file: row.file,
  state: row.state,
  receivedAt: row.received_at,
  deriveStarts: row.derive_starts,
  deriveFailures: row.derive_failures,
  publishAttempts: row.publish_attempts,
  derived:
    row.width === null || row.height === null || row.thumbhash === null || row.file_sizes === null
      ? null
      : {
          width: row.width,
          height: row.height,
          thumbhash: row.thumbhash,
          takenAt: row.taken_at,
          sizes: JSON.parse(row.file_sizes),
        },
  refused: row.refused_code === null ? null : { code: row.refused_code, detail: row.refused_detail ?? '' },
});

/** `derived` is only told on the way up: a published photo that is repaired passes through it again in silence. */
const unannounced =
  "state not in ('uploaded', 'deleting') and (announced is null or (announced <> state and state <> 'derived'))";
const fresh = { next_try_at: 0, derive_starts: 0, derive_failures: 0, publish_attempts: 0 };

export function createPhotoStore(db: Database): PhotoStore {
  const update = async (mediaId: string, state: PhotoState, change: Record<string, unknown>): Promise<void> => {
    await db('photos').where({ media_id: mediaId, state }).update(change);
  };
  /** Picks and counts in one transaction. */
  const take = (state: PhotoState, counter: 'derive_starts' | 'publish_attempts', options: TakeOptions) =>
    db.transaction(async (tx): Promise<Taken> => {
      const waiting = () =>
        tx<Row>('photos')
          .where({ state })
          .whereNotIn('media_id', [...options.busy]);
      const row = await waiting()
        .where('next_try_at', '<=', options.nowMs)
        .orderBy([
          { column: 'received_at', order: options.oldestFirst ? 'asc' : 'desc' },
          { column: 'media_id', order: options.oldestFirst ? 'asc' : 'desc' },
        ])
        .first();
      if (!row) {
        const next = (await waiting().min({ at: 'next_try_at' }).first()) as { at: number | null } | undefined;
        return { photo: null, nextDueAt: next?.at ?? null };
      }
      const count = row[counter] + 1;
      await tx('photos')
        .where({ media_id: row.media_id })
        .update({ [counter]: count });
      return { photo: toPhoto({ ...row, [counter]: count }) };
    });

  return {
    async receive(uploads, nowMs) {
      await db.transaction(async (tx) => {
        for (const upload of uploads) {
          const row = {
            media_id: upload.mediaId,
            order_id: upload.orderId,
            file: upload.file,
            size_bytes: upload.sizeBytes,
            state: 'uploaded',
            received_at: nowMs,
          };
          await tx('photos').insert(row).onConflict('media_id').merge({ announced: null });
          // The original may have been put back: this is the one refusal that a repeat can undo.
          await tx('photos')
            .where({ media_id: upload.mediaId, state: 'refused', refused_code: 'MEDIA_ORIGINAL_MISSING' })
            .update({ ...fresh, state: 'uploaded', refused_code: null, refused_detail: null });
        }
      });
    },
    async receiveDeleted(removals, nowMs) {
      await db.transaction(async (tx) => {
        for (const { mediaId, orderId } of removals)
          await tx('photos')
            .insert({
              media_id: mediaId,
              order_id: orderId,
              file: mediaId,
              size_bytes: 0,
              state: 'deleting',
              received_at: nowMs,
            })
            .onConflict('media_id')
            .merge({ ...fresh, state: 'deleting', announced: null })
            .whereNotIn('photos.state', ['deleting', 'deleted']);
      });
    },
    takeToDerive: (options) => take('uploaded', 'derive_starts', options),
    saveDerived: (mediaId, { width, height, thumbhash, takenAt, sizes }) =>
      update(mediaId, 'uploaded', {
        ...fresh,
        state: 'derived',
        width,
        height,
        thumbhash,
        taken_at: takenAt,
        file_sizes: JSON.stringify(sizes),
      }),
    saveRefused: (mediaId, { code, detail }) =>
      update(mediaId, 'uploaded', {
        ...fresh,
        state: 'refused',
        refused_code: code,
        refused_detail: detail.slice(0, 500),
      }),
    async retryDerive(mediaId, nextTryAt) {
      await update(mediaId, 'uploaded', {
        next_try_at: nextTryAt,
        derive_starts: 0,
        derive_failures: db.raw('derive_failures + 1'),
      });
    },
    retryDeriveSuspect: (mediaId, nextTryAt) => update(mediaId, 'uploaded', { next_try_at: nextTryAt }),
    takeToPublish: (options) => take('derived', 'publish_attempts', options),
    savePublished: (mediaId, nowMs) =>
      update(mediaId, 'derived', { ...fresh, state: 'published', published_at: nowMs, checked_at: nowMs }),
    retryPublish: (mediaId, nextTryAt) => update(mediaId, 'derived', { next_try_at: nextTryAt }),
    deriveAnew: (mediaId) => update(mediaId, 'derived', { ...fresh, state: 'uploaded' }),
    takeToDelete: (options) => take('deleting', 'publish_attempts', options),
    saveDeleted: (mediaId) => update(mediaId, 'deleting', { ...fresh, state: 'deleted' }),
    retryDelete: (mediaId, nextTryAt) => update(mediaId, 'deleting', { next_try_at: nextTryAt }),
    async nextUnannounced() {
      const row = await db<Row>('photos').whereRaw(unannounced).orderBy('received_at').first();
      return row ? toPhoto(row) : null;
    },
    async saveAnnounced(mediaId, state) {
      // Only if it is still so: meanwhile the photo may have gone on, and that is news again.
      if (state === 'deleted') await db('photos').where({ media_id: mediaId, state }).delete();
      else await update(mediaId, state, { announced: state });
    },
    async listToCheck(checkedBefore, limit) {
      const rows = await db<Row>('photos')
        .where({ state: 'published' })
        .where('checked_at', '<=', checkedBefore)
        .orderBy('checked_at')
        .limit(limit);
      return rows.map(toPhoto);
    },
    saveChecked: (mediaId, nowMs) => update(mediaId, 'published', { checked_at: nowMs }),
    async saveForgotten(mediaId) {
      await update(mediaId, 'published', { ...fresh, state: 'derived' });
    },
    async find(mediaId) {
      const row = await db<Row>('photos').where({ media_id: mediaId }).first();
      return row ? toPhoto(row) : null;
    },
    async summary() {
      const rows = (await db('photos').select('state').count({ count: '*' }).groupBy('state')) as {
        state: PhotoState;
        count: number | string;
      }[];
      const count = (state: PhotoState): number => Number(rows.find((row) => row.state === state)?.count ?? 0);
      const waiting = (await db('photos').whereRaw(unannounced).count({ count: '*' }).first()) as { count: number };
      const oldest = (await db('photos')
        .whereIn('state', ['uploaded', 'derived'])
        .min({ at: 'received_at' })
        .first()) as { at: number | null };
      return {
        byState: Object.fromEntries(photoStates.map((state) => [state, count(state)])) as Record<PhotoState, number>,
        unannounced: Number(waiting.count),
        oldestPendingAt: oldest.at,
      };
    },
  };
}
