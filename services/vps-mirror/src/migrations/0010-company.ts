import type { Migration } from '@sgp/service-kit/database';

/** Who may speak for a company at the mirror, and what it calls its establishments. */
export const companyMigration: Migration = {
  name: '0010-company',
  async up(db) {
    await db.schema.createTable('company_tokens', (table) => {
      table.string('token_id', 12).primary();
      table.string('company_id', 36).notNullable().index();
      table.string('name', 120).notNullable();
      table.string('scope', 8).notNullable();
      /** SHA-256 of the whole token. */
      table.string('hash', 64).notNullable();
      table.bigInteger('created_at').notNullable();
      table.bigInteger('expires_at').notNullable();
      table.bigInteger('revoked_at').nullable();
      table.bigInteger('last_used_at').nullable();
    });
    await db.schema.createTable('establishment_names', (table) => {
      table.string('company_id', 36).notNullable();
      table.string('establishment_id', 36).notNullable();
      table.string('name', 120).notNullable();
      table.primary(['company_id', 'establishment_id']);
    });
  },
};
