import type { Database } from '@sgp/service-kit/database';
import type { NodeRecord } from '@sgp/shared/api/licensing';

/** A node with everything that its calls are judged by. */
export type Node = Omit<NodeRecord, 'licenceActive'>;

export type NodeStore = {
  /** Keys that ended are left out. */
  findByShortId(shortId: string, nowMs: number): Promise<Node | undefined>;
};

export function createNodeStore(db: Database): NodeStore {
  return {
    async findByShortId(shortId, nowMs) {
      const row = await db('nodes').where({ short_id: shortId }).first();
      if (!row) return undefined;
      const keys = await db('node_keys').where({ node_id: row.node_id }).orderBy('created_at');
      const apiKeys = await db('api_keys')
        .where({ node_id: row.node_id })
        .where('expires_at', '>', nowMs)
        .orderBy('slot_seq');
      return {
        nodeId: row.node_id,
        shortId: row.short_id,
        companyId: row.company_id,
        establishmentId: row.establishment_id,
        status: row.status,
        apiKeyHashes: apiKeys.map((key) => key.hash),
        keys: keys.map((key) => ({
          keyId: key.key_id,
          publicJwk: { kty: 'OKP', crv: 'Ed25519', x: key.public_x },
        })),
      };
    },
  };
}
