import { type Database, isPostgres } from '@sgp/service-kit/database';
import type { InboxRow } from '@sgp/sync-engine/inbox';
import { linkStateOf } from '../orders/order-store.ts';
import type { GoodChange, Tenant } from './check-change.ts';

/** Set-based access to the orders of one establishment, inside the transaction of one push. */
export type OrderRows = {
  /** Writes, in one statement, every change that is newer than the row that stands. Each order comes at most once. */
  upsertNewer(changes: readonly GoodChange[], batchId: string, receivedAt: number): Promise<ReadonlySet<string>>;
  /** What stands now, by order id. */
  standing(orderIds: readonly string[]): Promise<ReadonlyMap<string, InboxRow>>;
};

const columns = [
  'company_id',
  'establishment_id',
  'order_id',
  'version',
  'updated_at',
  'hash',
  'status',
  'token_hash',
  'link_expires_at',
  'batch_id',
  'received_at',
  'doc',
] as const;
const replaced = columns.slice(3).map((name) => `${name} = excluded.${name}`);
const onConflict = `on conflict (company_id, establishment_id, order_id) do update set ${replaced.join(', ')}
  where excluded.updated_at > orders.updated_at and excluded.version > orders.version returning order_id`;

/** PostgreSQL takes one array for each column: one prepared text for every batch size. */
const postgresTypes = [
  'text',
  'text',
  'text',
  'int',
  'text',
  'text',
  'text',
  'text',
  'bigint',
  'text',
  'bigint',
  'text',
];
const postgresUpsert = `insert into orders (${columns.join(', ')})
  select * from unnest(${postgresTypes.map((type) => `?::${type}[]`).join(', ')}) ${onConflict}`;
/** SQLite's ceiling is 32,766 parameters; a batch of 500 takes 6,000. */
const sqliteUpsert = (rows: number): string =>
  `insert into orders (${columns.join(', ')})
  values ${Array(rows)
    .fill(`(${columns.map(() => '?').join(',')})`)
    .join(',')} ${onConflict}`;

export function createOrderRows(tx: Database, tenant: Tenant): OrderRows {
  return {
    async upsertNewer(changes, batchId, receivedAt) {
      if (changes.length === 0) return new Set();
      // Sorted by key, so that two pushes at once take their row locks in the same order.
      const rows = changes
        .map(({ change, snapshot, doc }): readonly Value[] => {
          const { entityId, version, updatedAt, hash } = change;
          const { tokenHash, expiresAt } = linkStateOf(snapshot);
          const key = [tenant.companyId, tenant.establishmentId, entityId];
          return [...key, version, updatedAt, hash, snapshot.status, tokenHash, expiresAt, batchId, receivedAt, doc];
        })
        .sort((a, b) => (String(a[2]) < String(b[2]) ? -1 : 1));
      const written = await runUpsert(tx, rows);
      return new Set(written.map((row) => row.order_id));
    },
    async standing(orderIds) {
      if (orderIds.length === 0) return new Map();
      const rows = await tx('orders')
        .where({ company_id: tenant.companyId, establishment_id: tenant.establishmentId })
        .whereIn('order_id', orderIds)
        .select({ orderId: 'order_id', version: 'version', updatedAt: 'updated_at', hash: 'hash' });
      return new Map(rows.map((row: InboxRow & { readonly orderId: string }) => [row.orderId, row]));
    },
  };
}

type Value = string | number | null;

async function runUpsert(
  tx: Database,
  rows: readonly (readonly Value[])[],
): Promise<readonly { readonly order_id: string }[]> {
  if (!isPostgres(tx)) return await tx.raw(sqliteUpsert(rows.length), rows.flat());
  const arrays = columns.map((_, column) => rows.map((row) => row[column] ?? null));
  const result: { readonly rows: readonly { readonly order_id: string }[] } = await tx.raw(
    postgresUpsert,
    arrays as never,
  );
  return result.rows;
}
