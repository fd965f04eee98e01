import { hash } from 'node:crypto';
import { type Database, isPostgres } from '@sgp/service-kit/database';
import { limits } from '@sgp/shared/limits';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import { type StreamName, streamRules } from '@sgp/shared/sync';
import { bucketOf, entityDigest } from '@sgp/sync-engine/digest';
import type { InboxRow } from '@sgp/sync-engine/inbox';
import { linkStateOf } from '../orders/order-store.ts';
import type { GoodChange, Tenant } from './check-change.ts';

/** What one written row does to the digests of its stream. */
export type WrittenRow = {
  readonly bucket: number;
  readonly digest: string;
  /** Of the version that it replaced; null when there was none. */
  readonly before: string | null;
};

export type WriteTimes = { readonly batchId: string; readonly receivedAt: number; readonly appliedAt: number };

export type RowText = Pick<InboxRow, 'version' | 'updatedAt'> & { readonly doc: string };

/** Set-based access to one stream of one establishment, inside the transaction of one push. */
export type EntityRows = {
  /**
   * Writes, in one statement, every change that is newer than the row that stands; of a stream that is only appended to,
   * every change that is not there. Each entity comes at most once.
   * @returns what was written, by entity id
   */
  write(changes: readonly GoodChange[], times: WriteTimes): Promise<ReadonlyMap<string, WrittenRow>>;
  /** What stands now, by entity id. */
  standing(entityIds: readonly string[]): Promise<ReadonlyMap<string, InboxRow>>;
  /** The same with the texts, locked until the transaction ends. */
  lockTexts(entityIds: readonly string[]): Promise<ReadonlyMap<string, RowText>>;
};

/** Where the rows of a stream are. */
export const tableOf = (stream: StreamName) =>
  stream === 'orders'
    ? ({ table: 'orders', id: 'order_id', streamColumn: false } as const)
    : ({ table: 'entities', id: 'entity_id', streamColumn: true } as const);

/** The rows of one stream of one establishment, as a `where`. */
export const streamWhere = (stream: StreamName, tenant: Tenant) => ({
  company_id: tenant.companyId,
  establishment_id: tenant.establishmentId,
  ...(tableOf(stream).streamColumn && { stream }),
});

type Value = string | number | null;
type Column = readonly [name: string, postgresType: 'text' | 'int' | 'bigint'];

/** Columns that differ from row to row; those of an order's link are read from its snapshot. */
const changing: readonly Column[] = [
  ['version', 'int'],
  ['updated_at', 'text'],
  ['hash', 'text'],
  ['digest', 'text'],
  ['bucket', 'int'],
  ['request_id', 'text'],
  ['doc', 'text'],
];
const ofOrders: readonly Column[] = [
  ['status', 'text'],
  ['token_hash', 'text'],
  ['link_expires_at', 'bigint'],
];
/** The same for every row of a batch. */
const perBatch: readonly Column[] = [
  ['batch_id', 'text'],
  ['received_at', 'bigint'],
  ['applied_at', 'bigint'],
];

/** The one statement of a batch around the rows that PostgreSQL takes as an array for each column, SQLite as values. */
function writeStatement(
  stream: StreamName,
  source: (fixed: readonly Column[], rows: readonly Column[]) => string,
): string {
  const { table, id, streamColumn } = tableOf(stream);
  const keys: readonly Column[] = [
    ['company_id', 'text'],
    ['establishment_id', 'text'],
    ...(streamColumn ? [['stream', 'text'] as const] : []),
  ];
  const rowColumns: readonly Column[] = [[id, 'text'], ...changing, ...(stream === 'orders' ? ofOrders : [])];
  const names = [...keys, ...perBatch, ...rowColumns].map(([name]) => name);
  const key = `(${[...keys.map(([name]) => name), id].join(', ')})`;
  // An entity's bucket never changes.
  const updated = [...perBatch, ...rowColumns].filter(([name]) => name !== id && name !== 'bucket');
  const replaced = updated.map(([name]) => `${name} = excluded.${name}`);
  const onConflict =
    streamRules[stream].kind === 'append'
      ? 'do nothing'
      : `do update set ${replaced.join(', ')}, prev_digest = ${table}.digest${stream === 'orders' ? ', shown_at = null' : ''}
         where excluded.updated_at > ${table}.updated_at and excluded.version > ${table}.version`;
  return `insert into ${table} (${names.join(', ')}) ${source([...keys, ...perBatch], rowColumns)}
    on conflict ${key} ${onConflict} returning ${id} as id, prev_digest as before`;
}

type Written = { readonly id: string; readonly before: string | null };
type Rows = { readonly fixed: readonly Value[]; readonly rows: readonly (readonly Value[])[] };

const postgresStatements = new Map<StreamName, string>();
async function writePostgres(tx: Database, stream: StreamName, { fixed, rows }: Rows): Promise<readonly Written[]> {
  const text =
    postgresStatements.get(stream) ??
    writeStatement(
      stream,
      (same, changes) =>
        `select ${same.map(([, type]) => `?::${type}`).join(', ')}, rows.*
         from unnest(${changes.map(([, type]) => `?::${type}[]`).join(', ')}) as rows`,
    );
  postgresStatements.set(stream, text);
  const columns = (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? null));
  return (await tx.raw(text, [...fixed, ...columns] as never)).rows;
}

type SqliteStatement = { all(values: readonly Value[]): readonly Written[] };
type SqliteConnection = { prepare(text: string): SqliteStatement };
/** Sizes of the batches that come in rows while a backlog drains. */
const keptSizes: readonly number[] = [limits.syncLiveBatchMaxChanges, limits.syncBatchMaxChanges];
const sqliteStatements = new WeakMap<SqliteConnection, Map<string, SqliteStatement>>();

/**
 * On the transaction's own connection: knex would read and prepare a text of thousands of parameters for each batch. SQLite's
 * ceiling is 32,766 of them; 500 orders take 8,000.
 */
async function writeSqlite(tx: Database, stream: StreamName, { fixed, rows }: Rows): Promise<readonly Written[]> {
  const connection: SqliteConnection = await tx.client.acquireConnection();
  const kept = sqliteStatements.get(connection) ?? new Map<string, SqliteStatement>();
  sqliteStatements.set(connection, kept);
  const key = `${stream} ${rows.length}`;
  const statement =
    kept.get(key) ??
    connection.prepare(
      writeStatement(stream, (same, changes) => {
        const one = `(${[...same, ...changes].map(() => '?').join(',')})`;
        return `values ${Array(rows.length).fill(one).join(',')}`;
      }),
    );
  if (keptSizes.includes(rows.length)) kept.set(key, statement);
  return statement.all(rows.flatMap((row) => [...fixed, ...row]));
}

const sha256 = (text: string): string => hash('sha256', text);

export function createEntityRows(tx: Database, stream: StreamName, tenant: Tenant): EntityRows {
  const { table, id } = tableOf(stream);
  const postgres = isPostgres(tx);
  const key = Object.values(streamWhere(stream, tenant)) as readonly string[];
  return {
    async write(changes, times) {
      if (changes.length === 0) return new Map();
      const rows = changes.map((each) => rowOf(stream, each));
      // Sorted by key, so that pushes at once take their row locks in the same order, whatever node or channel they are of.
      const sorted = rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ values }) => values);
      const fixed = [...key, times.batchId, times.receivedAt, times.appliedAt];
      const write = postgres ? writePostgres : writeSqlite;
      const written = await write(tx, stream, { fixed, rows: sorted });
      const byId = new Map(rows.map((row) => [row.id, row]));
      return new Map(
        written.map(({ id: entityId, before }) => {
          const { bucket = 0, digest = '' } = byId.get(entityId) ?? {};
          return [entityId, { bucket, digest, before }];
        }),
      );
    },
    async standing(entityIds) {
      if (entityIds.length === 0) return new Map();
      const rows = await tx(table)
        .where(streamWhere(stream, tenant))
        .whereIn(id, [...entityIds])
        .select({ entityId: id, version: 'version', updatedAt: 'updated_at', hash: 'hash' });
      return new Map(rows.map((row: InboxRow & { readonly entityId: string }) => [row.entityId, row]));
    },
    async lockTexts(entityIds) {
      // In the order in which batches write.
      const rows = await tx(table)
        .where(streamWhere(stream, tenant))
        .whereIn(id, [...entityIds])
        .orderBy(id)
        .forUpdate()
        .select({ entityId: id, version: 'version', updatedAt: 'updated_at', doc: 'doc' });
      return new Map(rows.map((row: RowText & { readonly entityId: string }) => [row.entityId, row]));
    },
  };
}

function rowOf(stream: StreamName, { change, payload, doc }: GoodChange) {
  const { entityId, version, updatedAt, requestId } = change;
  const digest = entityDigest(sha256, { entityId, version, hash: change.hash });
  const bucket = bucketOf(sha256, entityId);
  const values: Value[] = [entityId, version, updatedAt, change.hash, digest, bucket, requestId ?? null, doc];
  if (stream === 'orders') {
    const { tokenHash, expiresAt } = linkStateOf(payload as OrderSnapshot);
    values.push((payload as OrderSnapshot).status, tokenHash, expiresAt);
  }
  return { id: entityId, bucket, digest, values };
}
