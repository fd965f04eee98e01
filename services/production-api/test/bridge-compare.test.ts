import { newId } from '@sgp/service-kit/ids';
import { receiptClaimsSchema } from '@sgp/shared/sync-digest';
import test from 'ava';
import { isConsistent } from './support/edge-consistency.ts';
import { takeBackup } from './support/restore.ts';
import { createSyncWorld, mirrorOrders, type SyncWorld, until } from './support/sync-world.ts';

/** Edge and Core compared, restored and brought together again: real processes, real databases. */

const receiptOf = (world: SyncWorld, after: number) =>
  until(
    'a receipt says that both are equal',
    () => world.db('sync_receipts').where('received_at', '>', after).orderBy('received_at', 'desc').first(),
    60_000,
  );
const delivered = (world: SyncWorld): Promise<unknown> =>
  until('all is acknowledged', async () => (await world.db('outbox')).length === 0);
const claimsOf = (receipt: string) =>
  receiptClaimsSchema.parse(JSON.parse(Buffer.from(receipt.split('.')[1] ?? '', 'base64url').toString()));

test.serial('equal: the Core signs a receipt, and both sides keep the same one', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  for (let n = 0; n < 20; n++) await world.writer.write();
  await world.startBridge();
  const row = await receiptOf(world, 0);
  t.is((await world.mirrorDb('sync_receipts').first()).receipt, row.receipt);
  const claims = claimsOf(row.receipt);
  t.is(claims.establishmentId, world.node.establishmentId);
  t.like(
    claims.streams.find(({ stream }) => stream === 'orders'),
    { rows: 20 },
  );
  await isConsistent(t, world.db);
});

test.serial('a Core that was restored gets what it lost again, and only that, and both are equal', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  const orders = Array.from({ length: 30 }, () => newId());
  for (const id of orders) await world.writer.write(id);
  const bridge = await world.startBridge();
  await receiptOf(world, 0);
  const restore = await takeBackup(world.mirrorDb, world.dir);

  for (const id of orders.slice(0, 7)) await world.writer.write(id);
  for (let n = 0; n < 5; n++) await world.writer.write();
  await delivered(world);
  await world.whileMirrorIsDown(restore);
  const restoredAt = Date.now();
  const versions = JSON.stringify([...world.writer.versions].sort());
  await until(
    'the Core has all again',
    async () => JSON.stringify([...(await mirrorOrders(world))].sort()) === versions,
    30_000,
  );
  // A start compares at once; without it the next comparison follows after a minute.
  await delivered(world);
  await bridge.kill();
  await world.startBridge();
  await receiptOf(world, restoredAt);
  const sent = await world.mirrorDb('push_batches').where('received_at', '>', restoredAt).sum({ n: 'changes' }).first();
  t.is(Number(sent?.['n']), 12, 'nothing else travelled again');
  t.is((await world.db('sync_repairs')).length, 0);
  await isConsistent(t, world.db);
});

test.serial(
  'an edge that was restored takes a new epoch, asks for what it is behind in to be written anew, and lists what it does not know',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    const [ahead, same] = [newId(), newId()];
    for (const id of [ahead, same]) await world.writer.write(id);
    const bridge = await world.startBridge();
    await receiptOf(world, 0);
    const { epoch } = await world.db('sync_state').first();
    const restore = await takeBackup(world.db, world.dir);
    for (let n = 0; n < 3; n++) await world.writer.write(ahead);
    const unknown = await world.writer.write();
    await delivered(world);
    await bridge.kill();
    await restore();
    await world.startBridge();

    const repair = await until('what the Core is ahead in is asked for', () => world.db('sync_repairs').first());
    t.like(repair, { stream: 'orders', entity_id: ahead, core_version: 4 });
    t.is(JSON.parse(repair.core_doc).version, 4, 'the text of the Core is kept for the ledger');
    const conflict = await until('what the edge does not know is listed', () => world.db('conflicts').first());
    t.like(conflict, { kind: 'order-unknown', entity: 'order', entity_id: unknown, origin: 'edge', resolved_at: null });
    t.is(JSON.parse(JSON.parse(conflict.winner).text).orderId, unknown);
    t.like(await world.db('sync_state').first(), { parent_epoch: epoch, generation: 1 });
    t.is((await mirrorOrders(world)).get(ahead), 4, 'the Core never goes back');
  },
);

test.serial('what the Core decides comes down to the shop once, although the bridge is killed meanwhile', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  let bridge = await world.startBridge();
  await receiptOf(world, 0);
  const blockId = newId();
  // An edit of this very shop comes back merged, with all that the Core's other shops would see.
  await world.say('blocks', blockId);
  const inbox = () => world.db('inbox_entities').where({ stream: 'blocks', entity_id: blockId }).first();
  await until('the merged block comes down', inbox, 30_000);
  const { cursor } = await world.db('inbox_cursor').first();
  t.true(cursor >= 1);
  await bridge.kill();
  bridge = await world.startBridge();
  await world.say('blocks', newId());
  await until('the next one comes too', async () => (await world.db('inbox_cursor').first()).cursor > cursor, 30_000);
  t.is((await world.db('inbox_parked')).length, 0);
  t.is(bridge.child.exitCode, null);
});
