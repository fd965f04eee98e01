import type { Migration } from '@sgp/service-kit/database';

/** Nodes with their keys, API keys and licences, and the nonces of signed calls. */
export const nodesMigration: Migration = {
  name: '0002-nodes',
  async up(db) {
    await db.schema.createTable('nodes', (table) => {
      table.string('node_id', 36).primary();
      table.string('short_id', 12).notNullable().unique();
      table.string('company_id', 36).notNullable().references('company_id').inTable('companies');
      table
        .string('establishment_id', 36)
        .notNullable()
        .references('establishment_id')
        .inTable('establishments')
        .index();
      table.string('status', 16).notNullable();
      table.bigInteger('created_at').notNullable();
    });
    await db.schema.createTable('node_keys', (table) => {
      table.string('key_id', 64).primary();
      table.string('node_id', 36).notNullable().references('node_id').inTable('nodes').index();
      // The Ed25519 public key, base64url: one key belongs to one node.
      table.string('public_x', 43).notNullable().unique();
      table.bigInteger('created_at').notNullable();
    });
    await db.schema.createTable('api_keys', (table) => {
      table.string('hash', 64).primary();
      table.string('node_id', 36).notNullable().references('node_id').inTable('nodes').index();
      // Orders the keys of a node: two may be made in one millisecond.
      table.integer('slot_seq').notNullable();
      table.bigInteger('created_at').notNullable();
      table.bigInteger('expires_at').notNullable();
      table.unique(['node_id', 'slot_seq']);
    });
    await db.schema.createTable('licences', (table) => {
      table.string('node_id', 36).primary().references('node_id').inTable('nodes');
      table.string('licence_id', 40).notNullable().unique();
      table.integer('seq').notNullable();
      table.bigInteger('issued_at').notNullable();
      table.text('jws').notNullable();
    });
    await db.schema.createTable('nonces', (table) => {
      table.string('key_id', 64).notNullable();
      table.string('nonce', 128).notNullable();
      table.bigInteger('keep_until').notNullable().index();
      table.primary(['key_id', 'nonce']);
    });
  },
};
