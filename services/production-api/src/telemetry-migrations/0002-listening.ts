import type { Migration } from '@sgp/service-kit/database';

/** When the ingest stood connected to the broker: what lies between may be a time in which nobody saw the machines. */
export const listeningMigration: Migration = {
  name: '0002-listening',
  async up(db) {
    await db.schema.createTable('listening', (table) => {
      table.bigInteger('from_at').primary();
      table.bigInteger('to_at').notNullable();
    });
  },
};
