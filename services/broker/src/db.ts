import { type Database, migrate, openDatabase } from '@sgp/service-kit/database';
import { migrations } from './migrations/list.ts';

/** Opens broker.db at the newest step. The journal's worker opens the same file by {@link databaseFile}. */
export async function openBrokerDatabase(url: string): Promise<Database & AsyncDisposable> {
  const db = openDatabase(url, { durability: 'full' });
  await migrate(db, migrations);
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.destroy() });
}

export const databaseFile = (url: string): string => url.replace(/^sqlite:/, '');
