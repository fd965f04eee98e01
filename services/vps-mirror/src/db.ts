import { type Database, migrate, openDatabase } from '@sgp/service-kit/database';
import { migrations } from './migrations/list.ts';

/** Opens the mirror's database and brings it to the newest schema. What is acknowledged is on the disk first. */
export async function openMirrorDatabase(url: string): Promise<Database> {
  const db = openDatabase(url, { durability: 'full' });
  try {
    await migrate(db, migrations);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}
