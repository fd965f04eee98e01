import { type Database, isPostgres, type Migration } from '@sgp/service-kit/database';

/** An HLC stamp is compared as bytes: a language's sorting rules would skip its hyphens. */
export const stampType = (db: Database): string => (isPostgres(db) ? 'varchar(40) collate "C"' : 'varchar(40)');

/** What goes down to each establishment, and how far each node is with it (docs/sync-protocol.md §7). */
export const downlinkMigration: Migration = {
  name: '0009-downlink',
  async up(db) {
    const stamp = stampType(db);
    /** One row for each company: whoever writes what its establishments share holds its lock. */
    await db.schema.createTable('core_companies', (table) => {
      table.string('company_id', 36).primary();
    });
    await db.schema.createTable('downlink_heads', (table) => {
      table.string('company_id', 36).notNullable();
      table.string('establishment_id', 36).notNullable();
      /** Names the numbering. A new one begins when the Core turns out to know less than it told, or begins anew from 1. */
      table.string('core_epoch', 36).notNullable();
      table.bigInteger('seq').notNullable();
      /** Rows at or below it are deleted: every node has them. */
      table.bigInteger('floor').notNullable();
      table.primary(['company_id', 'establishment_id']);
    });
    await db.schema.createTable('downlink', (table) => {
      table.string('company_id', 36).notNullable();
      table.string('establishment_id', 36).notNullable();
      /** Gapless. */
      table.bigInteger('seq').notNullable();
      table.string('change_id', 36).notNullable();
      table.string('stream', 16).notNullable();
      table.string('entity_id', 36).notNullable();
      table.bigInteger('version').notNullable();
      table.specificType('updated_at', stamp).notNullable();
      table.string('hash', 64).notNullable();
      table.bigInteger('written_at').notNullable();
      table.text('doc').notNullable();
      table.primary(['company_id', 'establishment_id', 'seq']);
    });
    await db.schema.createTable('downlink_cursors', (table) => {
      table.string('node_id', 36).primary();
      table.string('company_id', 36).notNullable();
      table.string('establishment_id', 36).notNullable();
      table.string('core_epoch', 36).notNullable();
      /** The node has everything up to here… */
      table.bigInteger('acked_seq').notNullable();
      /** …and was told nothing above this. */
      table.bigInteger('offered_seq').notNullable();
      /** The numbering from which the node is led over, and the last number that is common to both. */
      table.string('former_epoch', 36).nullable();
      table.bigInteger('common_seq').notNullable();
      table.bigInteger('asked_at').notNullable();
      table.index(['company_id', 'establishment_id']);
    });
    /** Entities whose newest change an edge could not apply; it said why. */
    await db.schema.createTable('downlink_parked', (table) => {
      table.string('company_id', 36).notNullable();
      table.string('establishment_id', 36).notNullable();
      table.string('stream', 16).notNullable();
      table.string('entity_id', 36).notNullable();
      table.bigInteger('version').notNullable();
      table.string('code', 64).notNullable();
      table.text('detail').notNullable();
      table.bigInteger('parked_at').notNullable();
      table.primary(['company_id', 'establishment_id', 'stream', 'entity_id']);
    });
    await createSharedTables(db, stamp);
  },
};

/** What the establishments of a company share. Times are milliseconds, `doc` is the whole thing as JSON. */
async function createSharedTables(db: Database, stamp: string): Promise<void> {
  /** Which establishment writes stamps that end so. */
  await db.schema.createTable('stamp_nodes', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('stamp_node', 12).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.primary(['company_id', 'stamp_node']);
  });
  await db.schema.createTable('shared_entities', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('kind', 16).notNullable();
    table.string('entity_id', 36).notNullable();
    table.bigInteger('version').notNullable();
    table.specificType('updated_at', stamp).notNullable();
    table.text('doc').notNullable();
    table.primary(['company_id', 'kind', 'entity_id']);
  });
  await db.schema.createTable('company_users', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('user_id', 36).notNullable();
    table.string('login', 32).notNullable();
    table.bigInteger('version').notNullable();
    table.specificType('updated_at', stamp).notNullable();
    table.text('doc').notNullable();
    table.primary(['company_id', 'user_id']);
    table.unique(['company_id', 'login']);
  });
  await db.schema.createTable('transfers', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('transfer_id', 36).notNullable();
    table.string('from_establishment_id', 36).notNullable();
    table.string('to_establishment_id', 36).notNullable();
    table.string('state', 16).notNullable();
    table.bigInteger('changed_at').notNullable();
    table.bigInteger('version').notNullable();
    table.specificType('updated_at', stamp).notNullable();
    table.text('doc').notNullable();
    table.primary(['company_id', 'transfer_id']);
  });
  await db.schema.createTable('conflicts', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('conflict_id', 36).notNullable();
    table.string('entity', 16).notNullable();
    table.string('entity_id', 36).notNullable();
    table.string('field', 32).nullable();
    table.specificType('loser_at', stamp).nullable();
    table.bigInteger('at').notNullable();
    table.bigInteger('resolved_at').nullable();
    table.bigInteger('version').notNullable();
    table.specificType('updated_at', stamp).notNullable();
    /** Establishments that hear of it, as a JSON list. */
    table.text('establishments').notNullable();
    table.text('doc').notNullable();
    table.primary(['company_id', 'conflict_id']);
    table.index(['company_id', 'resolved_at', 'at']);
    table.index(['company_id', 'entity', 'entity_id']);
  });
}
