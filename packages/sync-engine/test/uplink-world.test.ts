import { limits } from '@sgp/shared/limits';
import { type StreamName, streams } from '@sgp/shared/sync';
import test from 'ava';
import fc from 'fast-check';
import { otherInstanceId, randomOf } from './support.ts';
import { createWorld, type Fault, faults, type World } from './world.ts';
import { isOnCore, numberOf } from './world-core.ts';

/** Channels, handshake, watchdog and comparison together, over the in-memory world of `world.ts`. */

const minute = 60_000;
const streamOf = (entityNumber: number): StreamName => streams[entityNumber % streams.length] ?? 'orders';
const createMixed = (seed: number, poison: readonly number[] = []): World =>
  createWorld({ random: randomOf(seed), isPoison: (n) => poison.includes(n), streamOf });
const numbers = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => from + i);

/** Throws with what is wrong, so that fast-check shows the smallest schedule that does it. */
function claim(holds: boolean, text: string): void {
  if (!holds) throw new Error(text);
}

/** Everything that is not poison is on the Core in its newest version and open nowhere; poison is parked. */
function claimAtRest({ books, core }: World, poison: readonly number[] = []): void {
  for (const each of books.written)
    if (!poison.includes(numberOf(each))) claim(isOnCore(core, each), `${each.stream} ${numberOf(each)} arrived`);
  claim(
    books.outbox.every((each) => poison.includes(numberOf(each))),
    'nothing but poison waits',
  );
  claim(
    books.outbox.every(({ seq }) => books.parked.has(seq)),
    'I6: what is refused is parked, not forgotten',
  );
  claim(books.state.memory.blocked === null, `blocked: ${JSON.stringify(books.state.memory.blocked)}`);
}

type Step =
  | { readonly do: 'backlog'; readonly count: number }
  | { readonly do: 'write'; readonly entity: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'crash' };
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('backlog' as const), count: fc.integer({ min: 1, max: 400 }) }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), entity: fc.integer({ min: 1, max: 24 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 5, 50, 900, 20_000) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
  ),
  { minLength: 1, maxLength: 40 },
);
const schedules = (kinds: readonly Fault[]) =>
  fc.record({
    seed: fc.integer(),
    poison: fc.uniqueArray(fc.integer({ min: 1, max: 24 }), { maxLength: 2 }),
    faulty: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 12 }),
    steps,
  });

function perform(world: World, list: readonly Step[]): void {
  let next = 1_000;
  for (const each of list) {
    if (each.do === 'backlog') {
      world.writeAll(numbers(next, each.count));
      next += each.count;
    } else if (each.do === 'write') world.write(each.entity, true);
    else if (each.do === 'wait') world.run(each.ms);
    else world.crash();
  }
}

// A Core that breaks or garbles again and again may get an innocent change parked: uplink-faults.test.ts has these.
const fairFaults = faults.filter((fault) => fault !== 'broken' && fault !== 'garbled');

test('I2, I3, I6: with all streams and channels, each change takes effect once and in its order or is parked, whatever fails', (t) => {
  const property = fc.property(schedules(fairFaults), ({ seed, poison, faulty, steps: list }) => {
    const world = createMixed(seed, poison);
    let turn = 0;
    world.setFaults(() => faulty[turn++ % faulty.length] ?? 'none');
    world.start();
    perform(world, list);
    world.setFaults(() => 'none');
    world.run(4 * minute);
    claimAtRest(world, poison);
    claim(
      [...world.books.effectsOnCore.values()].every((times) => times === 1),
      'I3: no effect twice',
    );
  });
  t.notThrows(() => fc.assert(property, { numRuns: 120 }));
});

test('a Core that goes back to version 1 and forward again gets everything, and nothing innocent is parked', (t) => {
  const versions = fc.array(fc.constantFrom(1 as const, 2 as const), { minLength: 1, maxLength: 4 });
  const property = fc.property(fc.integer(), versions, steps, (seed, list, work) => {
    const world = createMixed(seed);
    world.start();
    for (const version of list) {
      world.core.setVersion(version);
      perform(
        world,
        work.filter((each) => each.do !== 'backlog'),
      );
    }
    world.core.setVersion(2);
    world.run(limits.syncHelloAgainMs + 5 * minute);
    claimAtRest(world);
  });
  t.notThrows(() => fc.assert(property, { numRuns: 80 }));
});

test('beside a Core of version 1 orders flow, the other streams wait, and an update is noticed within the hour', (t) => {
  const world = createMixed(1);
  world.core.setVersion(1);
  world.writeAll(numbers(1, 80));
  world.start();
  world.run(minute);
  t.true(world.books.outbox.every(({ stream }) => stream !== 'orders'));
  t.is(world.books.outbox.length, 70);
  t.true(world.books.log.every(({ push }) => push.channel === 0 && push.wire.version === 1));
  world.core.setVersion(2);
  world.run(limits.syncHelloAgainMs);
  t.notThrows(() => claimAtRest(world));
});

test('the watchdog lets no wedged channel sit: each connection that never answers is torn down', (t) => {
  const world = createMixed(2);
  world.start();
  world.run(minute);
  world.setFaults(() => 'wedged');
  world.write(1, true);
  world.run(2 * limits.syncWatchdogMs);
  const { resets } = world.books;
  t.true(resets >= 1);
  world.run(10 * minute);
  t.true(world.books.resets >= resets + 5, `${world.books.resets} resets`);
  world.setFaults(() => 'none');
  world.run(2 * limits.syncWatchdogMs);
  t.notThrows(() => claimAtRest(world));
});

test('bulk and state data arrive while live orders never stop', (t) => {
  const world = createWorld({
    random: randomOf(3),
    isPoison: () => false,
    streamOf: (n) => (n <= 100 ? streamOf(n) : 'orders'),
  });
  world.writeAll(numbers(1, 100));
  world.start();
  for (let next = 1_000; next < 90_000; next += 300) {
    world.writeAll(numbers(next, 300));
    world.run(20);
  }
  const missing = world.books.written.filter((each) => numberOf(each) <= 100 && !isOnCore(world.core, each));
  t.true(
    world.books.outbox.some(({ stream }) => stream === 'orders'),
    'orders never ran out',
  );
  t.deepEqual(
    missing.map(({ stream }) => stream),
    [],
  );
});

test('two live copies of a node end in `forked` with everything kept, and go on when a person decided', (t) => {
  const world = createMixed(4);
  world.start();
  world.write(1, true);
  world.run(minute);
  const { epoch } = world.books;
  const copy = { epoch, generation: 1, instanceId: otherInstanceId };
  world.core.takeOver(copy);
  world.writeAll(numbers(100, 40));
  world.run(5 * minute);
  t.like(world.books.state.memory.blocked, { kind: 'failed', code: 'NODE_STATE_FORKED' });
  t.true(world.core.instances?.forked);
  t.is(world.books.outbox.length, 40);
  world.core.clearFork();
  world.run(5 * minute);
  t.notThrows(() => claimAtRest(world));
});

test('a restored disk ends in a new epoch, and everything is equal', (t) => {
  const property = fc.property(
    fc.integer(),
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 60 }),
    (seed, lost, later) => {
      const world = createMixed(seed);
      world.start();
      world.writeAll(numbers(1, 20));
      world.run(minute);
      const backup = world.backUpDisk();
      const { epoch } = world.books;
      world.writeAll(numbers(100, lost));
      world.run(minute);
      world.restoreDisk(backup);
      world.writeAll(numbers(200, later));
      world.run(5 * minute);
      claim(world.books.epoch !== epoch, 'a new epoch was taken');
      claimAtRest(world);
      claim(world.books.rows.size === 20 + lost + later, 'what the disk forgot is still on the Core');
    },
  );
  t.notThrows(() => fc.assert(property, { numRuns: 40 }));
});

test('a restored Core gets again what it lost', (t) => {
  const property = fc.property(fc.integer(), fc.integer({ min: 1, max: 200 }), (seed, lost) => {
    const world = createMixed(seed);
    world.start();
    world.writeAll(numbers(1, 20));
    world.run(minute);
    const backup = world.core.backUp();
    world.writeAll(numbers(100, lost));
    world.run(minute);
    world.setFaults(() => 'lost');
    world.run(minute);
    world.core.restore(backup, world.books.written);
    world.setFaults(() => 'none');
    world.run(20 * minute);
    claimAtRest(world);
    claim(world.books.rows.size === 20 + lost, 'all rows are back');
  });
  t.notThrows(() => fc.assert(property, { numRuns: 40 }));
});

test('a comparison follows the start, each reconnect, and each 15 minutes, never two at once', (t) => {
  const world = createMixed(5);
  world.start();
  world.run(minute);
  const first = world.books.comparisons;
  t.true(first >= 1);
  world.run(60 * minute);
  const inAnHour = world.books.comparisons - first;
  t.true(inAnHour >= 4 && inAnHour <= 12, `${inAnHour} comparisons`);
  world.setFaults(() => 'lost');
  world.run(2 * minute);
  const before = world.books.comparisons;
  world.setFaults(() => 'none');
  world.run(minute);
  t.true(world.books.comparisons > before);
});
