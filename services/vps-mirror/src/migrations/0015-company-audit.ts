import type { Migration } from '@sgp/service-kit/database';

/** What a company's programs changed, and an index for the entities whose text is not kept for ever. */
export const companyAuditMigration: Migration = {
  name: '0015-company-audit',
  async up(db) {
    await db.schema.createTable('company_audit', (table) => {
      table.string('company_id', 36).notNullable();
      /** UUIDv7: sorts by time. */
      table.string('act_id', 36).notNullable();
      table.bigInteger('at').notNullable().index();
      table.string('token_id', 12).notNullable();
      /** The token's name then. */
      table.string('who', 120).notNullable();
      table.string('entity', 16).notNullable();
      table.string('entity_id', 36).notNullable();
      table.string('action', 32).notNullable();
      table.text('before').nullable();
      table.text('after').nullable();
      table.primary(['company_id', 'act_id']);
    });
    // Housekeeping finds what is due without a look at everything that is not.
    await db.raw(
      "create index entities_told_once on entities (received_at) where stream in ('audit', 'rollups') and doc <> ''",
    );
  },
};
