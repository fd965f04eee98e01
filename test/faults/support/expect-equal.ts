import { receiptClaimsSchema } from '@sgp/shared/sync-digest';
import type { ExecutionContext } from 'ava';
import { decodeJwt } from 'jose';
import { countOf, type FaultWorld, ordersOf, queueIsEmpty, until } from './fault-world.ts';

const newestReceipt = async (world: Pick<FaultWorld, 'db'>): Promise<string | undefined> =>
  (await world.db('sync_receipts').orderBy('received_at', 'desc').first())?.receipt;

/**
 * The end of every fault: both databases hold the same, nothing is lost, nothing is there twice, nothing is parked, and a
 * comparison of the digests, made by a fresh start of the bridge, says so with the Core's signature on both sides.
 */
export async function expectEqual(t: ExecutionContext, world: FaultWorld, withinMs = 20_000): Promise<void> {
  await queueIsEmpty(world, withinMs);
  const { edge, mirror } = await ordersOf(world);
  t.deepEqual(mirror, edge, 'each order is on the mirror in the version and with the hash that the edge last said');
  const accepted = [...world.writer.versions];
  t.deepEqual(
    accepted.filter(([id, version]) => !edge.get(id)?.startsWith(`${version}/`)),
    [],
    'everything that was accepted is there',
  );
  t.is(await countOf(world.mirrorDb, 'parked_changes'), 0);
  t.is(await countOf(world.db, 'conflicts'), 0);

  const before = await newestReceipt(world);
  await world.bridge.start();
  const receipt = await until('the receipt of the comparison', async () => {
    const found = await newestReceipt(world);
    return found !== before && found;
  });
  t.deepEqual(await world.mirrorDb('sync_receipts').pluck('receipt'), [receipt], 'both sides keep the same receipt');
  const { streams } = receiptClaimsSchema.parse(decodeJwt(receipt));
  t.is(streams.find(({ stream }) => stream === 'orders')?.rows, edge.size);
  t.is(await countOf(world.db, 'sync_repairs'), 0);
  t.like(await world.status('ok in the end', ({ state }) => state === 'ok'), {
    ...{ pendingChanges: 0, parkedChanges: 0, offlineSince: null, error: null },
  });
}
