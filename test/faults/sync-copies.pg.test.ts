import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  countOf,
  createFaultWorld,
  type FaultWorld,
  openEdge,
  operatorToken,
  ordersOf,
  queueIsEmpty,
  until,
} from './support/fault-world.ts';

/** A copy of production.db at this moment, as a backup makes it. */
async function copyDisk(world: FaultWorld, name: string): Promise<string> {
  const folder = join(world.dir, name);
  await mkdir(folder);
  await world.db.raw('vacuum into ?', [join(folder, 'production.db')]);
  return folder;
}

test('a disk that is put back from its backup takes a new epoch; nothing that the Core acknowledged is lost or hidden', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  await world.bridge.start();
  for (let n = 0; n < 10; n += 1) await world.writer.write();
  await queueIsEmpty(world);
  const backup = await copyDisk(world, 'backup');
  const [changed, unchanged] = [...world.writer.versions.keys()] as [string, string];
  await world.writer.write(changed);
  const forgotten = await world.writer.write();
  await queueIsEmpty(world);
  await world.bridge.kill();

  const { epoch } = await world.db('sync_state').first('epoch');
  const restored = await openEdge(stack, join(backup, 'production.db'), world.node);
  const fresh = await restored.writer.write();
  const bridge = world.bridgeOn(backup);
  await bridge.start();
  const renewed = await until('a new epoch is taken', async () => {
    const state = await restored.db('sync_state').first('epoch', 'parent_epoch');
    return state.epoch !== epoch && state;
  });
  t.is(renewed.parent_epoch, epoch);
  await queueIsEmpty(restored);
  const [kind] = await until('what only the Core knows is listed', async () => {
    const kinds: string[] = await restored.db('conflicts').where({ entity_id: forgotten }).pluck('kind');
    return kinds.length > 0 && kinds;
  });
  t.is(kind, 'order-unknown');
  await until('what is older here is to be written anew', () =>
    restored.db('sync_repairs').where({ entity_id: changed }).first(),
  );
  const { edge, mirror } = await ordersOf({ db: restored.db, mirrorDb: world.mirrorDb });
  t.is(mirror.get(unchanged), edge.get(unchanged));
  t.is(mirror.get(fresh), edge.get(fresh));
  t.is(mirror.size, 12, 'nothing that was acknowledged is gone');
  t.true(mirror.has(forgotten));
});

test('two live copies of one disk stop, and go on when the vendor has decided which one stays', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  await world.bridge.start();
  for (let n = 0; n < 5; n += 1) await world.writer.write();
  await queueIsEmpty(world);
  const folder = await copyDisk(world, 'clone');
  const clone = await openEdge(stack, join(folder, 'production.db'), world.node);
  const cloneBridge = world.bridgeOn(folder);
  await cloneBridge.start();
  const [mine, theirs] = [await world.writer.write(), await clone.writer.write()];
  await world.ring();
  const forked = 'NODE_STATE_FORKED';
  await until('the Core has seen two of one identity', () =>
    world.mirrorDb('node_sync').whereNotNull('forked_at').first(),
  );
  await world.status('failed is told', ({ state, error }) => state === 'failed' && error?.code === forked);
  const kept = [await countOf(world.db, 'outbox'), await countOf(clone.db, 'outbox')];
  t.true(
    kept.some((waiting) => waiting > 0),
    'what was not acknowledged is kept',
  );

  await cloneBridge.kill();
  const cleared = await fetch(`${world.mirrorUrl}/api/core/nodes/${world.node.nodeId}/clear-fork`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operatorToken}` },
  });
  t.true(cleared.ok, await cleared.text());
  await queueIsEmpty(world, 60_000);
  await world.status('well again', ({ state }) => state === 'ok' || state === 'syncing', 60_000);
  const { edge, mirror } = await ordersOf(world);
  t.is(mirror.get(mine), edge.get(mine));
  t.is(
    mirror.has(theirs),
    (await countOf(clone.db, 'outbox')) === 0,
    'of the other copy only what was acknowledged is there',
  );
});
