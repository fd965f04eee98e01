import type { Migration } from '@sgp/service-kit/database';
import { peopleMigration } from './0001-people.ts';
import { ordersMigration } from './0002-orders.ts';
import { outboxMigration } from './0003-outbox.ts';
import { machinesMigration } from './0004-machines.ts';
import { deletedMediaMigration } from './0005-deleted-media.ts';
import { syncMigration } from './0006-sync.ts';
import { sharedMigration } from './0007-shared.ts';
import { lineageMigration } from './0012-lineage.ts';
import { bundlesMigration } from './0013-bundles.ts';
import { syncPageMigration } from './0014-sync-page.ts';

/** Every step of production.db, in order. */
export const productionMigrations: readonly Migration[] = [
  peopleMigration,
  ordersMigration,
  outboxMigration,
  machinesMigration,
  deletedMediaMigration,
  syncMigration,
  sharedMigration,
  lineageMigration,
  bundlesMigration,
  syncPageMigration,
];
