import type { Migration } from '@sgp/service-kit/database';

/**
 * Photos that were removed and whose objects may still be in the store. Written in the transaction of the removal, so that
 * no crash can lose the telling; a row goes when media-sync confirmed.
 */
export const deletedMediaMigration: Migration = {
  name: '0005-deleted-media',
  async up(db) {
    await db.schema.createTable('deleted_media', (table) => {
      table.string('media_id', 36).primary();
      table.string('order_id', 36).notNullable();
      table.bigInteger('deleted_at').notNullable().index();
    });
  },
};
