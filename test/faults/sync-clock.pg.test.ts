import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { expectEqual } from './support/expect-equal.ts';
import { createFaultWorld, queueIsEmpty } from './support/fault-world.ts';

const days = 86_400_000;

test('the clock of the shop jumps three days ahead, back, three days behind, back: everything arrives once and in order', async (t) => {
  await using stack = new AsyncDisposableStack();
  let shiftMs = 0;
  const world = await createFaultWorld(stack, { now: () => Date.now() + shiftMs });
  const file = join(world.dir, 'clock-shift');
  await writeFile(file, '0');
  const preload = new URL(`support/shifted-clock.ts?file=${encodeURIComponent(file)}`, import.meta.url);
  const { child } = await world.bridge.start(['--import', preload.href]);
  const orders: string[] = [];
  for (const next of [3 * days, 0, -3 * days, 0]) {
    await world.status('well', ({ state }) => state === 'ok');
    shiftMs = next;
    await writeFile(file, String(next));
    child.kill('SIGUSR2');
    for (const known of orders.slice(-5)) await world.writer.write(known);
    for (let n = 0; n < 10; n += 1) orders.push(await world.writer.write());
    await world.ring();
    await queueIsEmpty(world);
    await world.status(
      `the clock is told to be off by ${next} ms`,
      ({ clockSkewMs, state }) => state === 'ok' && clockSkewMs !== null && Math.abs(clockSkewMs - next) < 2_000,
    );
  }
  const stamps: string[] = await world
    .mirrorDb('orders')
    .whereIn('order_id', orders)
    .orderBy('updated_at')
    .pluck('order_id');
  t.is(new Set(stamps).size, orders.length);
  const [newest] = stamps.slice(-1);
  t.true(
    orders.slice(-10).includes(newest ?? ''),
    'what was written last has the newest stamp, whatever the clock said',
  );
  await expectEqual(t, world);
});
