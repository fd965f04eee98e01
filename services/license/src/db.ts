import { type Database, migrate, openDatabase } from '@sgp/service-kit/database';
import { migrations } from './migrations/list.ts';

/** Opens the service's database and brings its schema up to date. What is issued is on the disk before it is told. */
export async function openLicenseDatabase(url: string): Promise<Database> {
  const db = openDatabase(url, { durability: 'full' });
  try {
    await migrate(db, migrations);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}
