import type { Database } from '@sgp/service-kit/database';

/** The newest licence of a node. `seq` grows with each issue; `issuedAt` in ms since 1970. */
export type StoredLicence = {
  readonly nodeId: string;
  readonly licenceId: string;
  readonly seq: number;
  readonly issuedAt: number;
  readonly jws: string;
};

export type LicenceStore = {
  find(nodeId: string): Promise<StoredLicence | undefined>;
  /** Stores the licence that follows the one of `seq - 1`. False: another issue came first, and nothing was stored. */
  put(licence: StoredLicence): Promise<boolean>;
  /** Whether any licence was ever issued. */
  any(): Promise<boolean>;
};

export function createLicenceStore(db: Database): LicenceStore {
  return {
    async find(nodeId) {
      const row = await db('licences').where({ node_id: nodeId }).first();
      return row && { nodeId, licenceId: row.licence_id, seq: row.seq, issuedAt: row.issued_at, jws: row.jws };
    },
    async put({ nodeId, licenceId, seq, issuedAt, jws }) {
      if (seq === 1) {
        const added = await db('licences')
          .insert({ node_id: nodeId, licence_id: licenceId, seq, issued_at: issuedAt, jws })
          .onConflict('node_id')
          .ignore()
          .returning('node_id');
        return added.length === 1;
      }
      const changed = await db('licences')
        .where({ node_id: nodeId, seq: seq - 1 })
        .update({ seq, issued_at: issuedAt, jws });
      return changed === 1;
    },
    async any() {
      return (await db('licences').first('node_id')) !== undefined;
    },
  };
}
