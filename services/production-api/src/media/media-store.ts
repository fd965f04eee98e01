import type { Database } from '@sgp/service-kit/database';
import { limits } from '@sgp/shared/limits';
import type { MediaRecord, MediaState } from '../orders/order-record.ts';

type Row = {
  media_id: string;
  order_id: string;
  file_name: string;
  size_bytes: number;
  received_bytes: number;
  state: MediaState;
  stage_key: string;
  stage_label: string;
  visible: number;
  taken_at: number;
  width: number | null;
  height: number | null;
  thumbhash: string | null;
  keys: string | null;
  error_code: string | null;
  error_detail: string | null;
  created_at: number;
  updated_at: number;
};

export const mediaFromRow = (row: Row): MediaRecord => ({
  mediaId: row.media_id,
  orderId: row.order_id,
  fileName: row.file_name,
  sizeBytes: row.size_bytes,
  receivedBytes: row.received_bytes,
  state: row.state,
  stage: { key: row.stage_key, label: row.stage_label },
  visible: row.visible === 1,
  takenAt: row.taken_at,
  width: row.width,
  height: row.height,
  thumbhash: row.thumbhash,
  keys: row.keys === null ? null : JSON.parse(row.keys),
  error:
    row.error_code === null
      ? null
      : ({ code: row.error_code, detail: row.error_detail ?? '' } as NonNullable<MediaRecord['error']>),
  createdAt: row.created_at,
});

const toRow = (media: MediaRecord): Row => ({
  media_id: media.mediaId,
  order_id: media.orderId,
  file_name: media.fileName,
  size_bytes: media.sizeBytes,
  received_bytes: media.receivedBytes,
  state: media.state,
  stage_key: media.stage.key,
  stage_label: media.stage.label,
  visible: media.visible ? 1 : 0,
  taken_at: media.takenAt,
  width: media.width,
  height: media.height,
  thumbhash: media.thumbhash,
  keys: media.keys === null ? null : JSON.stringify(media.keys),
  error_code: media.error?.code ?? null,
  error_detail: media.error?.detail ?? null,
  created_at: media.createdAt,
  updated_at: Date.now(),
});

/** The columns that each member that can change is kept in. */
const columnsOf = {
  receivedBytes: ['received_bytes'],
  state: ['state'],
  visible: ['visible'],
  takenAt: ['taken_at'],
  width: ['width'],
  height: ['height'],
  thumbhash: ['thumbhash'],
  keys: ['keys'],
  error: ['error_code', 'error_detail'],
} as const satisfies Partial<Record<keyof MediaRecord, readonly (keyof Row)[]>>;
const changeable = Object.keys(columnsOf) as (keyof typeof columnsOf)[];

export type MediaStore = {
  find(db: Database, mediaId: string): Promise<MediaRecord | null>;
  insert(tx: Database, media: MediaRecord): Promise<void>;
  /** Writes only the members in which `after` differs, so that what somebody else changed since `before` was read stays. */
  update(tx: Database, before: MediaRecord, after: MediaRecord): Promise<void>;
  remove(tx: Database, mediaId: string): Promise<void>;
  countOfOrder(db: Database, orderId: string): Promise<number>;
  /** Photos that wait for media-sync, oldest first. */
  unfinished(db: Database): Promise<readonly MediaRecord[]>;
  /** Uploads that got no byte since `before`. */
  abandoned(db: Database, before: number): Promise<readonly MediaRecord[]>;
};

export function createMediaStore(): MediaStore {
  const inStates = async (db: Database, states: readonly MediaState[], before: number) => {
    const rows = await db<Row>('media')
      .whereIn('state', [...states])
      .where('updated_at', '<=', before)
      .orderBy('updated_at')
      .limit(limits.pageMaxRows);
    return rows.map(mediaFromRow);
  };
  return {
    async find(db, mediaId) {
      const row = await db<Row>('media').where({ media_id: mediaId }).first();
      return row ? mediaFromRow(row) : null;
    },
    async insert(tx, media) {
      await tx('media').insert(toRow(media));
    },
    async update(tx, before, after) {
      const row = toRow(after);
      const columns = changeable.filter((name) => before[name] !== after[name]).flatMap((name) => columnsOf[name]);
      const changes = Object.fromEntries(columns.map((column) => [column, row[column]]));
      await tx('media')
        .where({ media_id: before.mediaId })
        .update({ ...changes, updated_at: row.updated_at });
    },
    async remove(tx, mediaId) {
      await tx('media').where({ media_id: mediaId }).delete();
    },
    async countOfOrder(db, orderId) {
      const [row] = await db('media').where({ order_id: orderId }).count({ photos: '*' });
      return Number(row?.['photos'] ?? 0);
    },
    unfinished: (db) => inStates(db, ['uploaded', 'derived'], Number.MAX_SAFE_INTEGER),
    abandoned: (db, before) => inStates(db, ['uploading'], before),
  };
}
