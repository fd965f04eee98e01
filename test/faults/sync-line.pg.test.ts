import test from 'ava';
import { expectEqual } from './support/expect-equal.ts';
import { createFaultWorld, type FaultWorld, ordersOf, startWriting, until } from './support/fault-world.ts';

/** Does the mirror hold a change that the edge was not told of? */
async function holdsUntold(world: FaultWorld): Promise<boolean> {
  const [waiting, { edge, mirror }] = [await world.db('outbox').pluck('entity_id'), await ordersOf(world)];
  return waiting.some((id) => mirror.has(id) && mirror.get(id) === edge.get(id));
}

test('acknowledgements that are lost on the way back, again and again under load: nothing is lost, nothing doubles', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createFaultWorld(stack);
  await world.bridge.start();
  await world.status('well', ({ state }) => state === 'ok');
  const writing = startWriting(world);
  let lost = 0;
  // What loses its answer may be a handshake or a comparison; then nothing is pushed before the line is open again.
  for (let tries = 0; lost < 4 && tries < 20; tries += 1) {
    world.line.set('answers-reset');
    const untold = until('the mirror has what the edge was not told of', () => holdsUntold(world), 3_000);
    lost += await untold.then(
      () => 1,
      () => 0,
    );
    world.line.set('open');
    const { ackedSeq } = world.statuses.at(-1) ?? { ackedSeq: 0 };
    await world.status('acknowledgements come again', (status) => status.ackedSeq > ackedSeq);
  }
  t.is(lost, 4);
  await writing.stop();
  t.log(`${writing.accepted()} changes written`);
  await expectEqual(t, world);
});
