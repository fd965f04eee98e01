import type { Migration } from '@sgp/service-kit/database';

/** Files of pushes (docs/sync-protocol.md §10), and the start in whose name they are written. */
export const bundlesMigration: Migration = {
  name: '0013-bundles',
  async up(db) {
    await db.schema.alterTable('sync_state', (table) => {
      /** Of the last start of the bridge; null until one stored it. */
      table.string('instance_id', 36);
    });
    await db.schema.createTable('bundles', (table) => {
      table.string('bundle_id', 36).primary();
      table.bigInteger('created_at').notNullable().index();
      table.string('file_name', 120).notNullable();
      table.integer('batches').notNullable();
      table.integer('changes').notNullable();
      table.bigInteger('bytes').notNullable();
      /** False: a limit left something for the next file. */
      table.boolean('complete').notNullable();
      /** When the Core's acknowledgement was taken in, and what it said. */
      table.bigInteger('settled_at');
      table.integer('settled');
      table.integer('parked');
    });
  },
};
