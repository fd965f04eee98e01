import { pushAckSchema } from '@sgp/shared/sync';
import test from 'ava';
import { startPostgres } from '../../infra/test/postgres.ts';
import { expectEqual } from './support/expect-equal.ts';
import { createRandom, seed } from './support/fault-line.ts';
import { createFaultWorld, type FaultWorld, ordersOf, startWriting, until } from './support/fault-world.ts';
import { signIn, startOrdering } from './support/shop-load.ts';

/** Waits for a random number of bytes, so that the kill falls somewhere into a batch and not between two. */
const midBatch = (world: FaultWorld, random: () => number): Promise<unknown> => {
  const at = world.line.bytes.up + 2_000 + random() * 20_000;
  return until('pushes are under way', () => world.line.bytes.up > at);
};

test('kill -9 of the bridge, production-api, the mirror and PostgreSQL in the middle of batches: what was confirmed arrives, once', async (t) => {
  t.log(`seed ${seed}`);
  const random = createRandom();
  await using stack = new AsyncDisposableStack();
  // An answered commit survives the crash of the process; the test's disk itself does not fail.
  const postgres = await startPostgres(['fsync=off', 'full_page_writes=off']);
  stack.defer(postgres.stop);
  const world = await createFaultWorld(stack, { postgresUrl: postgres.url });
  await Promise.all([world.bridge.start(), world.api.start()]);
  await world.status('well', ({ state }) => state === 'ok');

  const ordering = await startOrdering(await signIn(world));
  const writing = startWriting(world, 2);
  const faults = [world.bridge.start, world.api.start, world.mirror.start, postgres.crash];
  for (let round = 0; round < 2; round += 1)
    for (const fault of faults) {
      await midBatch(world, random);
      await fault();
      const { ackedSeq } = world.statuses.at(-1) ?? { ackedSeq: 0 };
      const held = Number((await world.mirrorDb('push_checkpoints').max('acked_seq as seq').first())?.['seq']);
      t.true(held >= ackedSeq, `told as acknowledged: ${ackedSeq}, held after the crash: ${held}`);
    }
  await ordering.more(1);
  await midBatch(world, random);
  await Promise.all([ordering.stop(), writing.stop()]);
  t.true(ordering.refused() > 0, 'the API was away in between');

  await expectEqual(t, world);
  const { mirror } = await ordersOf(world);
  const lost = [...ordering.confirmed].filter(([id, version]) => Number.parseInt(mirror.get(id) ?? '0', 10) < version);
  t.deepEqual(lost, [], 'what the API confirmed is on the mirror, in this version or a later one');
  const acks = (await world.mirrorDb('push_batches').pluck('ack')).map((ack) => pushAckSchema.parse(JSON.parse(ack)));
  const applied = acks.flatMap(({ results }) => results.filter(({ outcome }) => outcome === 'applied'));
  t.is(new Set(applied.map(({ id }) => id)).size, applied.length, 'no change had its effect twice');
  t.log(`${writing.accepted()} changes written, ${ordering.confirmed.size} orders confirmed, ${acks.length} pushes`);
});
