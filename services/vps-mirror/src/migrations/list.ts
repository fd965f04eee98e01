import type { Migration } from '@sgp/service-kit/database';
import { nodesMigration } from './0001-nodes.ts';
import { ordersMigration } from './0002-orders.ts';
import { pushesMigration } from './0003-pushes.ts';
import { factorFailuresMigration } from './0004-factor-failures.ts';
import { evidenceRetentionMigration } from './0005-evidence-retention.ts';
import { syncStreamsMigration } from './0006-sync-streams.ts';
import { downlinkMigration } from './0009-downlink.ts';
import { companyMigration } from './0010-company.ts';
import { alertsMigration } from './0011-alerts.ts';
import { companyAuditMigration } from './0015-company-audit.ts';
import { parentEpochsMigration } from './0016-parent-epochs.ts';

/** The schema's history, in order; one list for SQLite and PostgreSQL. */
export const migrations: readonly Migration[] = [
  nodesMigration,
  ordersMigration,
  pushesMigration,
  factorFailuresMigration,
  evidenceRetentionMigration,
  syncStreamsMigration,
  downlinkMigration,
  companyMigration,
  alertsMigration,
  companyAuditMigration,
  parentEpochsMigration,
];
