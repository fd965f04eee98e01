import test from 'ava';
import { expectEqual } from './support/expect-equal.ts';
import { createFaultWorld, ordersOf, startWriting, until } from './support/fault-world.ts';

test('acknowledgements that are lost on the way back, again and again under load: nothing is lost, nothing doubles', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  await world.bridge.start();
  await world.status('well', ({ state }) => state === 'ok');
  const writing = startWriting(world);
  for (let round = 0; round < 4; round += 1) {
    const before = (await ordersOf(world)).mirror.size;
    world.line.set('answers-reset');
    await until('the mirror takes what the edge is not told of', async () => {
      const { mirror } = await ordersOf(world);
      return mirror.size > before;
    });
    const waiting = Number((await world.db('outbox').count({ n: '*' }).first())?.['n']);
    t.true(waiting > 0, 'not acknowledged: still in the queue');
    world.line.set('open');
    const { ackedSeq } = world.statuses.at(-1) ?? { ackedSeq: 0 };
    await world.status('acknowledgements come again', (status) => status.ackedSeq > ackedSeq);
  }
  await writing.stop();
  t.log(`${writing.accepted()} changes written`);
  await expectEqual(t, world);
});
