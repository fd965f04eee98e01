import type { Migration } from '@sgp/service-kit/database';

/** Companies, their establishments, and the codes with which an establishment's node enrols. */
export const tenantsMigration: Migration = {
  name: '0001-tenants',
  async up(db) {
    await db.schema.createTable('companies', (table) => {
      table.string('company_id', 36).primary();
      table.string('name', 120).notNullable();
      table.bigInteger('created_at').notNullable();
    });
    await db.schema.createTable('establishments', (table) => {
      table.string('establishment_id', 36).primary();
      table.string('company_id', 36).notNullable().references('company_id').inTable('companies');
      table.string('name', 120).notNullable();
      table.string('slug', 32).notNullable();
      table.string('time_zone', 64).notNullable();
      table.string('plan', 32).notNullable();
      // Null: the contract has no end.
      table.bigInteger('paid_until');
      table.bigInteger('created_at').notNullable();
      table.unique(['company_id', 'slug']);
    });
    await db.schema.createTable('enrolment_codes', (table) => {
      table.string('code_hash', 64).primary();
      table
        .string('establishment_id', 36)
        .notNullable()
        .references('establishment_id')
        .inTable('establishments')
        .index();
      table.bigInteger('created_at').notNullable();
      table.bigInteger('expires_at').notNullable();
      table.integer('failed_tries').notNullable().defaultTo(0);
      table.bigInteger('used_at');
      table.string('used_by_node', 36);
    });
  },
};
