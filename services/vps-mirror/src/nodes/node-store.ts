import type { Database } from '@sgp/service-kit/database';
import type { NodeRecord } from '@sgp/shared/api/licensing';

export type StoredNode = { readonly record: NodeRecord; readonly checkedAt: number };

/** Nodes as the license service described them last, so that the mirror works while that service is down. */
export type NodeStore = {
  all(): Promise<readonly StoredNode[]>;
  save(node: StoredNode): Promise<void>;
  remove(shortId: string): Promise<void>;
};

type Row = { readonly record: string; readonly checked_at: number };

export function createNodeStore(db: Database): NodeStore {
  return {
    async all() {
      const rows = await db<Row>('nodes').select('record', 'checked_at');
      return rows.map((row) => ({ record: JSON.parse(row.record) as NodeRecord, checkedAt: row.checked_at }));
    },
    async save({ record, checkedAt }) {
      await db('nodes')
        .insert({ short_id: record.shortId, record: JSON.stringify(record), checked_at: checkedAt })
        .onConflict('short_id')
        .merge();
    },
    async remove(shortId) {
      await db('nodes').where({ short_id: shortId }).delete();
    },
  };
}
