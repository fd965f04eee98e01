import { newId } from '@sgp/service-kit/ids';
import { createHlcStore } from '../../../services/production-api/src/outbox/hlc-store.ts';
import { createOutboxStore } from '../../../services/production-api/src/outbox/outbox-store.ts';
import { snapshotOf } from '../../../services/production-api/test/support/sync-world.ts';
import type { FaultWorld } from './fault-world.ts';

/** So many in one transaction: how many a shop commits at once does not matter to what waits. */
const perTransaction = 500;

/**
 * What a shop wrote in an outage: `revisions` versions of each of `orders` orders, their stamps spread over the last `hours`.
 * @returns the order ids
 */
export async function writeBacklog(
  { db, node, writer }: Pick<FaultWorld, 'db' | 'node' | 'writer'>,
  { orders, revisions, hours }: { readonly orders: number; readonly revisions: number; readonly hours: number },
): Promise<readonly string[]> {
  const beganAt = Date.now() - hours * 3_600_000;
  const stepMs = (hours * 3_600_000) / (orders * revisions);
  let written = 0;
  const now = () => Math.floor(beganAt + written * stepMs);
  const hlc = createHlcStore(node.nodeId, now);
  const outbox = createOutboxStore(now);
  const ids = Array.from({ length: orders }, () => newId());
  for (let version = 1; version <= revisions; version += 1)
    for (let start = 0; start < orders; start += perTransaction)
      await db.transaction(async (tx) => {
        for (const entityId of ids.slice(start, start + perTransaction)) {
          written += 1;
          const updatedAt = await hlc.tick(tx);
          const payload = snapshotOf(node, { orderId: entityId, version, updatedAt, number: String(written) });
          await outbox.append(tx, {
            ...{ stream: 'orders', entityId, version, parentVersion: version - 1, updatedAt },
            payload: payload as never,
          });
        }
      });
  for (const id of ids) writer.versions.set(id, revisions);
  return ids;
}
