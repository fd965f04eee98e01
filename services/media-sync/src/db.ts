import { type Database, migrate, openDatabase } from '@sgp/service-kit/database';
import { migrations } from './migrations/list.ts';

/** Opens media.db, brought to the newest schema. A photo is acknowledged to the bus by its row, so commits are durable. */
export async function openMediaDatabase(stack: AsyncDisposableStack, url: string): Promise<Database> {
  const db = openDatabase(url, { durability: 'full' });
  stack.defer(() => db.destroy());
  await migrate(db, migrations);
  return db;
}
