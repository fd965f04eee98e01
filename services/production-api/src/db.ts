import { type Database, migrate, openDatabase } from '@sgp/service-kit/database';
import { productionMigrations } from './migrations/list.ts';
import { telemetryMigrations } from './telemetry-migrations/list.ts';

/** Opens production.db and brings its schema up to date. What it acknowledged is on the disk. */
export const openProductionDb = (url: string): Promise<Database> => open(url, productionMigrations);

/** Opens telemetry.db: what machines said, acknowledged to the broker only after it is on the disk. */
export const openTelemetryDb = (url: string): Promise<Database> => open(url, telemetryMigrations);

async function open(url: string, migrations: Parameters<typeof migrate>[1]): Promise<Database> {
  const db = openDatabase(url, { durability: 'full' });
  try {
    await migrate(db, migrations);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}
