import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import { version } from '@sgp/service-kit/version';
import type { EdgeHealth } from '@sgp/shared/sync';
import type { ConflictStore } from '../conflicts/conflict-store.ts';
import type { SyncStore } from '../sync/sync-store.ts';
import { readDisk } from './disk-space.ts';

export type EdgeHealthDeps = {
  readonly db: Database;
  readonly store: Pick<SyncStore, 'waiting'>;
  readonly conflicts: Pick<ConflictStore, 'countOpen'>;
  /** Whose disk is told; null: nobody's. */
  readonly folder: string | null;
  readonly log: Pick<Log, 'warn'>;
};

/** What the edge tells of itself with a sign of life. Null: it could not be found out, and the sign of life goes without it. */
export const createEdgeHealth =
  ({ db, store, conflicts, folder, log }: EdgeHealthDeps) =>
  async (): Promise<EdgeHealth | null> => {
    try {
      const disk = folder === null ? null : await readDisk(folder);
      // The Core counts itself what does not come down.
      const { parkedDown: _, ...waiting } = await store.waiting();
      return {
        ...waiting,
        openConflicts: await conflicts.countOpen(db),
        diskFreeBytes: disk?.freeBytes ?? null,
        diskTotalBytes: disk?.totalBytes ?? null,
        version,
      };
    } catch (err) {
      log.warn({ err }, 'what the edge tells of itself could not be found out');
      return null;
    }
  };
