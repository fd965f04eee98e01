import type { Migration } from '@sgp/service-kit/database';

/** Where each node stands, every push with what proves it (SECURITY P16), and the changes that could not be applied. */
export const pushesMigration: Migration = {
  name: '0003-pushes',
  async up(db) {
    await db.schema.createTable('push_checkpoints', (table) => {
      table.string('node_id', 36).notNullable();
      table.string('epoch', 36).notNullable();
      table.bigInteger('push_seq').notNullable();
      table.bigInteger('acked_seq').notNullable();
      table.bigInteger('last_at').notNullable();
      /** The node's clock minus ours, in milliseconds, when it signed. */
      table.bigInteger('skew_ms').notNullable();
      table.primary(['node_id', 'epoch']);
    });
    await db.schema.createTable('push_batches', (table) => {
      table.string('node_id', 36).notNullable();
      table.string('idempotency_key', 200).notNullable();
      table.string('batch_id', 36).notNullable().unique();
      table.string('epoch', 36).notNullable();
      table.bigInteger('push_seq').notNullable();
      table.integer('changes').notNullable();
      table.bigInteger('received_at').notNullable();
      table.string('digest', 64).notNullable();
      table.text('ack').notNullable();
      table.text('evidence').notNullable();
      /** The body's exact bytes as they arrived, compressed if they came so: the signature covers their digest. */
      table.binary('body').notNullable();
      table.primary(['node_id', 'idempotency_key']);
      table.index(['changes', 'received_at']);
    });
    await db.schema.createTable('parked_changes', (table) => {
      table.string('node_id', 36).notNullable();
      table.string('change_id', 36).notNullable();
      table.string('entity_id', 36).notNullable();
      table.integer('version').notNullable();
      table.string('hash', 64).notNullable();
      table.string('code', 64).notNullable();
      table.text('detail').notNullable();
      table.string('batch_id', 36).notNullable();
      table.bigInteger('parked_at').notNullable();
      table.primary(['node_id', 'change_id']);
    });
  },
};
