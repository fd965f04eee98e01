import type { Migration } from '@sgp/service-kit/database';

/** Nodes as the license service described them last, and the nonces that they used (SECURITY P4, P5). */
export const nodesMigration: Migration = {
  name: '0001-nodes',
  async up(db) {
    await db.schema.createTable('nodes', (table) => {
      table.string('short_id', 12).primary();
      table.text('record').notNullable();
      table.bigInteger('checked_at').notNullable();
    });
    await db.schema.createTable('nonces', (table) => {
      table.string('kid', 200).notNullable();
      table.string('nonce', 200).notNullable();
      table.bigInteger('expires_at').notNullable().index();
      table.primary(['kid', 'nonce']);
    });
  },
};
