import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import createKnex, { type Knex } from 'knex';
import { busyTimeoutMs, ImmediateSqliteClient } from './sqlite-client.ts';

export type Database = Knex;
type PostgresClientModule = typeof import('./postgres-client.ts');

/** PostgreSQL's type of the bigint columns: times and counters, all far below 2^53. */
const int8Oid = 20;

/** A step of the schema's history: never edited once released, never undone, listed by hand in order. */
export type Migration = { readonly name: string; readonly up: (db: Database) => Promise<void> };

export type OpenOptions = {
  /** `full`: a commit is on the disk before it is acknowledged. `normal`: a power cut may take the last commits; for what can be made again. */
  readonly durability: 'full' | 'normal';
};

/**
 * Opens `sqlite:PATH` (`sqlite::memory:` in tests) or `postgres://…`.
 * SQLite runs in WAL mode with one connection; its transactions take the write lock at once, so that a transaction that
 * reads and then writes never fails because another process wrote in between.
 */
export function openDatabase(url: string, options: OpenOptions): Database {
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) {
    // Loaded only where it is used: most processes run on SQLite, and each driver costs memory.
    const { types } = createRequire(import.meta.url)('pg') as typeof import('pg');
    types.setTypeParser(int8Oid, Number);
    const { PreparingPostgresClient } = createRequire(import.meta.url)('./postgres-client.ts') as PostgresClientModule;
    return createKnex({
      client: PreparingPostgresClient as unknown as typeof Knex.Client,
      // Statements that are begun together go out together.
      connection: { connectionString: url, pipeline: true } as Knex.PgConnectionConfig,
      pool: { min: 0, max: 10 },
    });
  }
  const filename = url.replace(/^sqlite:/, '');
  if (filename !== ':memory:') mkdirSync(dirname(filename), { recursive: true });
  return createKnex({
    client: ImmediateSqliteClient as unknown as typeof Knex.Client,
    connection: { filename },
    useNullAsDefault: true,
    pool: {
      min: 1,
      max: 1,
      afterCreate(
        connection: { pragma(text: string): unknown },
        done: (error: Error | null, connection: unknown) => void,
      ) {
        connection.pragma('journal_mode = WAL');
        connection.pragma(`synchronous = ${options.durability.toUpperCase()}`);
        connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
        connection.pragma('foreign_keys = ON');
        done(null, connection);
      },
    },
  });
}

export const isPostgres = (db: Database): boolean => db.client.driverName === 'pg';

/** What PostgreSQL says of every statement behind the one that failed its transaction. */
const alreadyFailed = '25P02';

/**
 * Waits for statements of one transaction that were begun together: PostgreSQL gets them in one round trip, in no certain
 * order, so that none may wait for a lock which another one takes. None is left running when this rejects.
 * @throws what made the transaction fail; of several reasons the first in this list
 */
export async function together<const Running extends readonly unknown[]>(
  running: Running,
): Promise<{ -readonly [Key in keyof Running]: Awaited<Running[Key]> }> {
  const ended = await Promise.allSettled(running);
  const failed = ended.filter((each) => each.status === 'rejected').map(({ reason }) => reason);
  if (failed.length > 0) throw failed.find(({ code }) => code !== alreadyFailed) ?? failed[0];
  return ended.map((each) => each.status === 'fulfilled' && each.value) as never;
}

/** Brings the schema to the newest step, each step in a transaction of its own. Several processes may call it at once. */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<void> {
  await db.raw('create table if not exists sgp_migrations (name varchar(200) primary key, applied_at bigint not null)');
  for (const migration of migrations) {
    await db.transaction(async (tx) => {
      if (isPostgres(db)) await tx.raw('lock table sgp_migrations in exclusive mode');
      const known = await tx('sgp_migrations').where({ name: migration.name }).first();
      if (known) return;
      await migration.up(tx as unknown as Database);
      await tx('sgp_migrations').insert({ name: migration.name, applied_at: Date.now() });
    });
  }
}
