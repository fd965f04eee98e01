import test from 'ava';
import { writeBacklog } from './support/backlog.ts';
import { expectEqual } from './support/expect-equal.ts';
import { countOf, createFaultWorld, queueIsEmpty, until } from './support/fault-world.ts';

test('30,000 changes of 72 hours without Internet: the live order passes first, the bridge and the mirror die on the way, all arrives once', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  world.line.set('cut');
  await writeBacklog(world, { orders: 10_000, revisions: 3, hours: 72 });
  await world.bridge.start();
  const told = await world.status('the outage is told', ({ state }) => state === 'offline');
  t.is(told.pendingChanges, 30_000);
  t.true(Date.now() - (told.oldestPendingAt ?? Date.now()) > 70 * 3_600_000, 'the age of the oldest change is told');

  const live = await world.writer.write();
  world.line.set('open');
  await until('the live order is on the mirror', () =>
    world.mirrorDb('orders').where({ order_id: live }).first('version'),
  );
  const waiting = await countOf(world.db, 'outbox');
  t.true(waiting > 20_000, `the backlog is still on its way: ${waiting}`);

  const arrived = () => countOf(world.mirrorDb, 'orders');
  await until('a third arrived', async () => (await arrived()) > 3_000);
  await world.bridge.start();
  await until('two thirds arrived', async () => (await arrived()) > 6_000);
  await world.mirror.start();
  await queueIsEmpty(world, 60_000);
  t.is(await arrived(), 10_001);
  await expectEqual(t, world);
});
