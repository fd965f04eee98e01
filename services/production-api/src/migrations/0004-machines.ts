import type { Migration } from '@sgp/service-kit/database';

/** The registry of machines and the one credential of each; what machines say is in telemetry.db. */
export const machinesMigration: Migration = {
  name: '0004-machines',
  async up(db) {
    await db.schema.createTable('machines', (table) => {
      table.string('machine_id', 36).primary();
      table.string('slug', 32).notNullable().unique();
      table.string('name', 120).notNullable();
      table.string('kind', 40).notNullable();
      table.string('sector', 40).notNullable();
      table.bigInteger('created_at').notNullable();
    });
    await db.schema.createTable('machine_credentials', (table) => {
      table.string('machine_id', 36).primary().references('machine_id').inTable('machines');
      // The secret itself is shown once and kept nowhere.
      table.string('secret_sha256', 64).notNullable();
      table.bigInteger('created_at').notNullable();
      table.bigInteger('rotated_at');
      table.bigInteger('revoked_at');
    });
  },
};
