import type { Migration } from '@sgp/service-kit/database';

/** Wrong second factors by link and by address; shared by all replicas and kept over a restart. */
export const factorFailuresMigration: Migration = {
  name: '0004-factor-failures',
  async up(db) {
    await db.schema.createTable('factor_failures', (table) => {
      table.string('subject', 128).primary();
      table.bigInteger('window_start').notNullable().index();
      table.integer('failures').notNullable();
    });
  },
};
