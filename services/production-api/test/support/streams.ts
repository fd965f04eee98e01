import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { createAuditStore } from '../../src/audit/audit-store.ts';
import { createBlocks } from '../../src/blocks/blocks.ts';
import { createSharedStore } from '../../src/catalogue/shared-store.ts';
import { createSharedWriter } from '../../src/catalogue/shared-writer.ts';
import { createConflictStore } from '../../src/conflicts/conflict-store.ts';
import { createHlcStore } from '../../src/outbox/hlc-store.ts';
import { createOutboxStore } from '../../src/outbox/outbox-store.ts';
import { createStockStore } from '../../src/stock/stock-store.ts';
import { createStockWriter } from '../../src/stock/stock-writer.ts';
import { createSay } from '../../src/streams/say.ts';

/** What writes into the streams of a shop, over one database. */
export function openStreams(db: Database, node = { nodeId: newId(), establishmentId: newId() }) {
  const hlc = createHlcStore(node.nodeId);
  const say = createSay({ outbox: createOutboxStore(), hlc });
  const audit = createAuditStore(say);
  const shared = createSharedStore();
  const writer = createSharedWriter({ shared, audit, say, hlc });
  const conflicts = createConflictStore();
  const stock = createStockStore();
  const { establishmentId } = node;
  return {
    hlc,
    say,
    audit,
    shared,
    blocks: createBlocks({ db, shared, writer }),
    conflicts,
    stock,
    stockWriter: createStockWriter({ stock, conflicts, audit, say, establishmentId }),
  };
}

/** What waits in the outbox for one stream, oldest first. */
export async function saidOn<Payload = Record<string, unknown>>(
  db: Database,
  stream: string,
): Promise<readonly { entityId: string; version: number; payload: Payload }[]> {
  const rows = await db('outbox').where({ stream }).orderBy('seq');
  return rows.map((row) => ({ entityId: row.entity_id, version: row.version, payload: JSON.parse(row.payload) }));
}
