import type { Migration } from '@sgp/service-kit/database';

/** What the retention of pushes asks for: which are old, and whether an order's present version came with one. */
export const evidenceRetentionMigration: Migration = {
  name: '0005-evidence-retention',
  async up(db) {
    await db.schema.alterTable('push_batches', (table) => {
      table.index(['received_at', 'batch_id']);
    });
    await db.schema.alterTable('orders', (table) => {
      table.index('batch_id');
    });
  },
};
