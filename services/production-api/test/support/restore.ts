import { join } from 'node:path';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';

/** A backup of an SQLite database as it is now. @returns how it is put back, over whatever was written since */
export async function takeBackup(db: Database, dir: string): Promise<() => Promise<void>> {
  const file = join(dir, `${newId()}.backup`);
  await db.raw('vacuum into ?', [file]);
  return async () => {
    await db.raw('attach database ? as backup', [file]);
    const tables: string[] = await db('backup.sqlite_master')
      .where({ type: 'table' })
      .whereNot('name', 'like', 'sqlite_%')
      .pluck('name');
    await db.raw('pragma foreign_keys = off');
    await db.transaction(async (tx) => {
      for (const table of tables) {
        await tx.raw(`delete from main.${table}`);
        await tx.raw(`insert into main.${table} select * from backup.${table}`);
      }
    });
    await db.raw('pragma foreign_keys = on');
    await db.raw('detach database backup');
  };
}
