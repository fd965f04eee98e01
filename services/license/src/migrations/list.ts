import type { Migration } from '@sgp/service-kit/database';
import { tenantsMigration } from './0001-tenants.ts';
import { nodesMigration } from './0002-nodes.ts';

/** In order; a step that was released is never edited. */
export const migrations: readonly Migration[] = [tenantsMigration, nodesMigration];
