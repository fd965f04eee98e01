import type { Migration } from '@sgp/service-kit/database';

/** What the sync page tells besides: what comparisons found, who decided a conflict, and what a change that was set aside needs to be tried again. */
export const syncPageMigration: Migration = {
  name: '0014-sync-page',
  async up(db) {
    await db.schema.createTable('sync_comparisons', (table) => {
      /** When it was over. */
      table.bigInteger('at').primary();
      /** Records of this shop that the Core did not have in their present version. */
      table.bigInteger('missing').notNullable();
    });
    await db.schema.alterTable('inbox_parked', (table) => {
      // Of what was set aside before nothing proves its content: its next version takes it out.
      table.string('updated_at', 32).notNullable().defaultTo('');
      table.string('hash', 64).notNullable().defaultTo('');
      table.string('core_epoch', 36).notNullable().defaultTo('');
    });
    // Applied by trying again; each until the Core knows of it.
    await db.schema.createTable('inbox_retried', (table) => {
      table.string('stream', 32).notNullable();
      table.string('entity_id', 36).notNullable();
      table.bigInteger('version').notNullable();
      table.primary(['stream', 'entity_id']);
    });
    await db.schema.alterTable('conflicts', (table) => {
      table.string('resolved_by', 120);
    });
  },
};
