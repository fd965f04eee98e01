import type { Migration } from '@sgp/service-kit/database';
import { floorMigration } from './0001-floor.ts';
import { listeningMigration } from './0002-listening.ts';

/** Every step of telemetry.db, in order. */
export const telemetryMigrations: readonly Migration[] = [floorMigration, listeningMigration];
