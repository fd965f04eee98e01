import { createHash } from 'node:crypto';
import PostgresClient from 'knex/lib/dialects/postgres/index.js';

type Query = { readonly sql: string; readonly bindings?: readonly unknown[]; options?: { readonly name?: string } };
type Connection = { __knex__disposed?: unknown; [textsOf]?: Map<string, string> };
type KnexPostgresClient = { _query(connection: Connection, query: Query): Promise<unknown> };

const textsOf = Symbol('texts that the server has prepared, with their names');
/** More than any service has texts that come again and again; the server keeps each of them for each connection. */
const textsKept = 200;
const keptTextMaxChars = 4_000;
/** `feature_not_supported`: also what the server says of a prepared text whose tables changed under it. */
const planOutdated = '0A000';

/**
 * The server reads and plans each text once for each connection.
 */
export class PreparingPostgresClient extends (PostgresClient as unknown as new (
  ...args: unknown[]
) => KnexPostgresClient) {
  override async _query(connection: Connection, query: Query): Promise<unknown> {
    // A text without values may be several statements, which cannot be prepared.
    const name = query.bindings?.length ? nameOf(connection, query.sql) : null;
    if (name !== null) query.options = { ...query.options, name };
    try {
      return await super._query(connection, query);
    } catch (error) {
      // A newer replica changed the tables: the pool opens another connection, which prepares anew.
      if (name !== null && (error as { code?: string }).code === planOutdated) connection.__knex__disposed = error;
      throw error;
    }
  }
}

function nameOf(connection: Connection, text: string): string | null {
  if (text.length > keptTextMaxChars) return null;
  connection[textsOf] ??= new Map();
  const kept = connection[textsOf];
  const known = kept.get(text);
  if (known !== undefined) return known;
  // What comes later than the first texts is read and planned each time, as without this.
  if (kept.size >= textsKept) return null;
  const name = createHash('sha256').update(text).digest('base64url');
  kept.set(text, name);
  return name;
}
