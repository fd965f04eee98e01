import test from 'ava';
import { expectEqual } from './support/expect-equal.ts';
import { seed } from './support/fault-line.ts';
import { countOf, createFaultWorld, ordersOf, queueIsEmpty, startWriting, until } from './support/fault-world.ts';

const arrivedAbove = (world: Parameters<typeof ordersOf>[0], before: number) =>
  until('orders arrive again', async () => (await ordersOf(world)).mirror.size > before, 40_000);

test('connections that a router forgot, and a line that carries one way only: noticed, torn down, nothing lost', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  await world.bridge.start();
  await world.status('well', ({ state }) => state === 'ok');
  const writing = startWriting(world, 20);
  await arrivedAbove(world, 0);

  const half = (await ordersOf(world)).mirror.size;
  world.line.forget();
  await arrivedAbove(world, half + 1);

  world.line.set('one-way');
  await world.status('what nobody answers is told', ({ state }) => state === 'offline' || state === 'late', 60_000);
  t.true((await countOf(world.db, 'outbox')) > 0, 'what was not answered is kept');
  world.line.set('open');
  const { mirror } = await ordersOf(world);
  await arrivedAbove(world, mirror.size);
  await writing.stop();
  t.log(`${writing.accepted()} changes written`);
  await expectEqual(t, world, 40_000);
});

test('a line that loses one packet of a hundred: slow, and complete', async (t) => {
  t.log(`seed ${seed}`);
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  world.line.setQuality({ lossChance: 0.01, latencyMs: 2 });
  await world.bridge.start();
  const writing = startWriting(world, 10);
  await until('three connections are lost', () => world.line.resets >= 3, 40_000);
  await writing.stop();
  await queueIsEmpty(world, 60_000);
  t.log(`${writing.accepted()} changes written, ${world.line.resets} connections lost`);
  await expectEqual(t, world, 40_000);
});

test('64 kbit/s: a live order passes a backlog of 300, and the backlog follows', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  world.line.set('cut');
  for (let n = 0; n < 300; n += 1) await world.writer.write();
  world.line.setQuality({ bytesPerS: 8_000, latencyMs: 30 });
  await world.bridge.start();
  world.line.set('open');
  await arrivedAbove(world, 0);
  const live = await world.writer.write();
  await world.ring();
  await until(
    'the live order is on the mirror',
    () => world.mirrorDb('orders').where({ order_id: live }).first('version'),
    40_000,
  );
  const waiting = await countOf(world.db, 'outbox');
  t.true(waiting > 0, `${waiting} of the backlog still wait`);
  await queueIsEmpty(world, 60_000);
  await expectEqual(t, world, 40_000);
});
