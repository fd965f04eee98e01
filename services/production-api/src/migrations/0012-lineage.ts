import type { Migration } from '@sgp/service-kit/database';

/**
 * From which versions each one was made, as short digests with a space between (docs/sync-protocol.md §4.1). Null: not known,
 * because it was written before, or not needed, because it is written once.
 */
export const lineageMigration: Migration = {
  name: '0012-lineage',
  async up(db) {
    for (const name of ['outbox', 'sync_entities'])
      await db.schema.alterTable(name, (table) => {
        table.text('lineage');
      });
  },
};
