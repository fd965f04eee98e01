import type { Database } from '@sgp/service-kit/database';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import type { EdgeHealth } from '@sgp/shared/sync';

/** Signs of life of one node. */
export type NodeContact = Pick<NodeRecord, 'nodeId' | 'companyId' | 'establishmentId' | 'status'> & {
  readonly lastPushAt: number | null;
  readonly lastAskAt: number | null;
  /** Any of them, and its handshakes. */
  readonly contactAt: number | null;
  readonly health: EdgeHealth | null;
  readonly forked: boolean;
};

type SyncRow = { readonly seenAt: number; readonly health: string | null; readonly forkedAt: number | null };

/** Every node that ever called, of one company or of all. */
export async function contactsOf(db: Database, companyId?: string): Promise<readonly NodeContact[]> {
  const records: readonly { readonly record: string }[] = await db('nodes').select('record');
  const nodes = records
    .map(({ record }) => JSON.parse(record) as NodeRecord)
    .filter((node) => companyId === undefined || node.companyId === companyId);
  const ids = companyId === undefined ? null : nodes.map(({ nodeId }) => nodeId);
  const rowsOf = async <Row>(table: string, columns: object): Promise<ReadonlyMap<string, Row>> => {
    const query = db(table).groupBy('node_id').select('node_id', columns);
    const rows: readonly (Row & { readonly node_id: string })[] = await (ids ? query.whereIn('node_id', ids) : query);
    return new Map(rows.map((row) => [row.node_id, row]));
  };
  // One row for each node: the maximum of one.
  const syncs = await rowsOf<SyncRow>('node_sync', {
    seenAt: db.raw('max(last_seen_at)'),
    health: db.raw('max(health)'),
    forkedAt: db.raw('max(forked_at)'),
  });
  const asks = await rowsOf<{ readonly at: number }>('downlink_cursors', { at: db.raw('max(asked_at)') });
  const pushes = await rowsOf<{ readonly at: number }>('push_checkpoints', { at: db.raw('max(last_at)') });
  return nodes.map(({ nodeId, companyId: company, establishmentId, status }) => {
    const sync = syncs.get(nodeId);
    const lastPushAt = pushes.get(nodeId)?.at ?? null;
    const lastAskAt = asks.get(nodeId)?.at ?? null;
    const signs = [lastPushAt, lastAskAt, sync?.seenAt].filter((at) => typeof at === 'number');
    return {
      ...{ nodeId, companyId: company, establishmentId, status, lastPushAt, lastAskAt },
      contactAt: signs.length === 0 ? null : Math.max(...signs),
      health: sync?.health ? (JSON.parse(sync.health) as EdgeHealth) : null,
      forked: (sync?.forkedAt ?? null) !== null,
    };
  });
}

/** The node that speaks for an establishment: the one that was heard of last. */
export const presentOf = (nodes: readonly NodeContact[]): NodeContact | undefined =>
  nodes.toSorted((a, b) => (b.contactAt ?? 0) - (a.contactAt ?? 0))[0];
