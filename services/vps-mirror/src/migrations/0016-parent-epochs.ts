import type { Migration } from '@sgp/service-kit/database';

/** The epoch that an instance's epoch went out from: it came before, also where nothing of it was kept. */
export const parentEpochsMigration: Migration = {
  name: '0016-parent-epochs',
  async up(db) {
    await db.schema.alterTable('node_instances', (table) => {
      table.string('parent_epoch', 36).nullable();
    });
  },
};
