import { setTimeout as wait } from 'node:timers/promises';
import SqliteClient from 'knex/lib/dialects/better-sqlite3/index.js';
import SqliteTransaction from 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js';

type Connection = {
  pragma(text: string): unknown;
  exec(sql: string): unknown;
  prepare(sql: string): unknown;
};

/** How long any statement waits for another process's lock. */
export const busyTimeoutMs = 5_000;
const retryMinMs = 1;
const retryMaxMs = 20;

/**
 * Begins a transaction that holds the write lock. While another process holds it this one tries again later instead of
 * sleeping inside SQLite, so that the service goes on answering.
 * @param connection better-sqlite3's own; Knex gives a transaction up at its first failed statement
 * @throws SqliteError SQLITE_BUSY when the lock was not to be had within {@link busyTimeoutMs}
 */
export async function beginImmediate(connection: Connection): Promise<void> {
  const deadline = performance.now() + busyTimeoutMs;
  for (let waitMs = retryMinMs; ; waitMs = Math.min(waitMs * 2, retryMaxMs)) {
    connection.pragma('busy_timeout = 0');
    try {
      connection.exec('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY' || performance.now() > deadline) throw error;
    } finally {
      connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
    }
    await wait(waitMs);
  }
}

/**
 * Knex begins SQLite transactions as deferred: one that reads first and writes later fails with SQLITE_BUSY, without
 * waiting, when another process wrote in between. `BEGIN IMMEDIATE` takes the write lock at once.
 */
class ImmediateTransaction extends (SqliteTransaction as new (...args: unknown[]) => object) {
  begin(connection: Connection): Promise<void> {
    return beginImmediate(connection);
  }
}

/** More than any service has texts that come again and again; a list of many values makes a text of its own length. */
const statementsKept = 200;
const keptTextMaxChars = 2_000;

/** Reads and plans each text once: that costs as much as running a short statement. SQLite plans anew when the schema changes. */
function keepStatements(connection: Connection): void {
  const kept = new Map<string, unknown>();
  const prepare = connection.prepare.bind(connection);
  connection.prepare = (sql) => {
    if (sql.length > keptTextMaxChars) return prepare(sql);
    const statement = kept.get(sql) ?? prepare(sql);
    kept.delete(sql);
    kept.set(sql, statement);
    const [oldest] = kept.keys();
    if (kept.size > statementsKept && oldest !== undefined) kept.delete(oldest);
    return statement;
  };
}

type KnexSqliteClient = { acquireRawConnection(): Promise<Connection> };

/** A class because knex takes its dialects as classes. */
export class ImmediateSqliteClient extends (SqliteClient as new (...args: unknown[]) => KnexSqliteClient) {
  override async acquireRawConnection(): Promise<Connection> {
    const connection = await super.acquireRawConnection();
    keepStatements(connection);
    return connection;
  }

  transaction(...args: unknown[]): unknown {
    return new ImmediateTransaction(this, ...args);
  }
}
