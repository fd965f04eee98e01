import { stat } from 'node:fs/promises';
import type { Database } from '@sgp/service-kit/database';
import type { SyncPage } from '@sgp/shared/api/shop';
import type { SyncDown } from '@sgp/shared/api/sync';
import { limits } from '@sgp/shared/limits';
import type { DownStream } from '@sgp/shared/sync-downlink';
import { readCounts } from '../outbox/outbox-head.ts';

/** What the sync page shows besides the queue: the other direction, photos, and what was left out. */
export type PageFacts = {
  down(): Promise<Pick<SyncDown, 'cursor' | 'lastAnswerAt' | 'parked'>>;
  /** A change of the Core that was set aside, whole, with the reason; null: there is none of this entity. */
  parkedDown(stream: DownStream, entityId: string): Promise<object | null>;
  photos(): Promise<SyncPage['photos']>;
  shed(): Promise<number>;
};

export function createPageFacts(db: Database): PageFacts {
  return {
    async down() {
      const { cursor, last_answer_at: lastAnswerAt } = await db('inbox_cursor').where({ id: 1 }).first();
      const rows = await db('inbox_parked').orderBy('parked_at', 'desc').limit(limits.pageMaxRows);
      const parked = rows.map((row) => ({
        stream: row.stream,
        entityId: row.entity_id,
        name: nameIn(row.payload),
        version: row.version,
        code: row.code,
        detail: row.detail,
        at: row.parked_at,
      }));
      return { cursor, lastAnswerAt, parked };
    },
    async parkedDown(stream, entityId) {
      const row = await db('inbox_parked').where({ stream, entity_id: entityId }).first();
      return row ? { ...row, payload: JSON.parse(row.payload) } : null;
    },
    photos: () => photosSince(db),
    shed: async () => (await readCounts(db)).shed,
  };
}

const settled = ['published', 'refused'];

/**
 * Progress that survives a reload and does not run backwards: it is counted from when the oldest waiting photo was taken,
 * or from the beginning of the outage in which it was.
 */
async function photosSince(db: Database): Promise<SyncPage['photos']> {
  const oldest = await db('media').whereNotIn('state', settled).orderBy('created_at').first('created_at');
  if (!oldest) return { done: 0, total: 0 };
  const from = await outageOf(db, oldest.created_at);
  const count = (rows: ReturnType<Database>): Promise<number> =>
    rows
      .count({ n: '*' })
      .first()
      .then((row) => Number(row?.['n']));
  const waiting = await count(db('media').whereNotIn('state', settled));
  const done = await count(db('media').where({ state: 'published' }).where('updated_at', '>=', from));
  return { done, total: done + waiting };
}

async function outageOf(db: Database, takenAt: number): Promise<number> {
  const outage = await db('sync_incidents')
    .where('started_at', '<=', takenAt)
    .where((where) => where.whereNull('ended_at').orWhere('ended_at', '>=', takenAt))
    .orderBy('started_at')
    .first('started_at');
  return outage?.started_at ?? takenAt;
}

/** By what an entity is called in the streams of the Core. */
function nameIn(payload: string): string | null {
  const { name, materialName, fields } = JSON.parse(payload) as {
    readonly name?: string;
    readonly materialName?: string;
    readonly fields?: { readonly name?: { readonly value?: unknown } };
  };
  const found = name ?? materialName ?? fields?.name?.value;
  return typeof found === 'string' ? found : null;
}

/** When the file was written that the shop's backup touches after it ended well; null when there is none. */
export async function backupTime(file: string | undefined): Promise<number | null> {
  if (file === undefined) return null;
  try {
    return Math.round((await stat(file)).mtimeMs);
  } catch {
    return null;
  }
}
