import { isPostgres, type Migration } from '@sgp/service-kit/database';

/**
 * The newest snapshot of each order. The key begins with the company, so that the table can be partitioned by it.
 * `updated_at` is an HLC stamp and is compared as bytes: a language's sorting rules would skip its hyphens.
 */
export const ordersMigration: Migration = {
  name: '0002-orders',
  async up(db) {
    const stamp = isPostgres(db) ? 'varchar(40) collate "C"' : 'varchar(40)';
    await db.schema.createTable('orders', (table) => {
      table.string('company_id', 36).notNullable();
      table.string('establishment_id', 36).notNullable();
      table.string('order_id', 36).notNullable();
      table.integer('version').notNullable();
      table.specificType('updated_at', stamp).notNullable();
      table.string('hash', 64).notNullable();
      table.string('status', 20).notNullable();
      /** SHA-256 of the link's token; null before a link was issued and after it was revoked. */
      table.string('token_hash', 64).nullable().index();
      table.bigInteger('link_expires_at').nullable();
      /** The push that brought this version: its row is the evidence. */
      table.string('batch_id', 36).notNullable();
      table.bigInteger('received_at').notNullable();
      table.text('doc').notNullable();
      table.primary(['company_id', 'establishment_id', 'order_id']);
    });
  },
};
