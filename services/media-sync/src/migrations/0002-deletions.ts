import type { Migration } from '@sgp/service-kit/database';

/** `deleting` is work that is open, as `uploaded` is: nothing is told of it until it ends as `deleted`. */
export const deletions: Migration = {
  name: '0002-deletions',
  async up(db) {
    await db.raw('drop index photos_unannounced');
    await db.raw(
      "create index photos_unannounced on photos (received_at) where state not in ('uploaded', 'deleting') and (announced is null or (announced <> state and state <> 'derived'))",
    );
  },
};
