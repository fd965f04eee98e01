import { limits } from '@sgp/shared/limits';
import { createDriver, type DriverPorts } from '@sgp/sync-engine/driver';
import type { BatchRequest, Delivery, HelloRequest, LinkFacts, Push, PushOutcome } from '@sgp/sync-engine/ports';
import test from 'ava';
import { ackOf, batchOf, change, disk, fresh, helloOf } from './support.ts';

/** Runs what is due, then lets every promise settle. */
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

function createPorts(overrides: Partial<DriverPorts> = {}) {
  const seen = {
    hellos: [] as HelloRequest[],
    pushes: [] as Push[],
    deliveries: [] as Delivery[],
    facts: [] as LinkFacts[],
    released: [] as number[],
    counted: 0,
    resets: 0,
    comparisons: 0,
    epochs: 0,
  };
  const timers = new Map<() => void, number>();
  let pushSeq = 0;
  const queue = [change(2, 2), change(1, 1)];
  const ports: DriverPorts = {
    outbox: {
      identity: async () => disk,
      takeEpoch: async () => {
        seen.epochs += 1;
        return disk;
      },
      release: (channel) => seen.released.push(channel),
      load: async ({ heartbeat }) => {
        if (queue.length === 0 && !heartbeat) return null;
        pushSeq += 1;
        return batchOf(queue.slice(), pushSeq);
      },
      deliver: async (delivery) => {
        seen.deliveries.push(delivery);
        for (const { change: each } of delivery.done)
          queue.splice(
            queue.findIndex(({ seq }) => seq === each.seq),
            1,
          );
      },
      countAttempt: async () => {
        seen.counted += 1;
      },
    },
    link: {
      hello: async (_disk, request) => {
        seen.hellos.push(request);
        return { type: 'hello-answered', answer: helloOf().answer };
      },
      push: async (push) => {
        seen.pushes.push(push);
        return { type: 'acked', ack: ackOf(push), bytes: 10 };
      },
      reset: () => {
        seen.resets += 1;
      },
    },
    compare: async () => {
      seen.comparisons += 1;
      return { type: 'compared', repaired: 0 };
    },
    maxBytesPerS: null,
    now: () => 1000,
    random: () => 0.5,
    setTimer(delayMs, fire) {
      timers.set(fire, delayMs);
      return () => void timers.delete(fire);
    },
    report: (facts) => seen.facts.push(facts),
    explain: () => ({ code: 'DISK_FULL', detail: 'full' }),
    ...overrides,
  };
  /** Lets the timers run off that were set for less than this. */
  const fire = (belowMs = limits.syncWatchdogMs / 4): void => {
    for (const [due, delayMs] of [...timers]) if (delayMs < belowMs && timers.delete(due)) due();
  };
  return { seen, queue, ports, fire, timerRuns: () => timers.size > 0 };
}

test('a batch goes out, its acknowledgement is stored, and the queue is read again until it is empty', async (t) => {
  const { ports, seen } = createPorts();
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  t.deepEqual(
    seen.pushes.map(({ changes }) => changes.length),
    [2],
  );
  t.deepEqual(
    seen.deliveries[0]?.done.map(({ change: { seq } }) => seq),
    [2, 1],
  );
  t.is(seen.facts.at(-1)?.lastAckAt, 1000);
  t.is(driver.state.phase, 'idle');
});

test('a storage that fails is told, and tried again after a pause', async (t) => {
  let broken = true;
  const base = createPorts();
  const { ports, seen, fire } = createPorts({
    outbox: {
      ...base.ports.outbox,
      load: async (request) => {
        if (broken) throw new Error('disk full');
        return base.ports.outbox.load(request);
      },
    },
  });
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  t.is(driver.state.phase, 'waiting');
  t.deepEqual(seen.facts.at(-1)?.blocked, { kind: 'failed', code: 'DISK_FULL', detail: 'full' });
  broken = false;
  fire();
  await settle();
  t.is(driver.state.phase, 'idle');
  t.is(seen.hellos.length, 1);
  t.is(seen.facts.at(-1)?.blocked, null);
});

test('stopping starts nothing new and waits for what is being stored', async (t) => {
  const stored = Promise.withResolvers<void>();
  const base = createPorts();
  let deliveries = 0;
  const { ports, timerRuns, seen } = createPorts({
    outbox: {
      ...base.ports.outbox,
      deliver: async () => {
        await stored.promise;
        deliveries += 1;
      },
    },
  });
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  const stopped = driver.stop();
  stored.resolve();
  await stopped;
  t.is(deliveries, 1);
  driver.doorbell();
  await settle();
  t.is(seen.pushes.length, 1);
  t.false(timerRuns());
});

test('a failed attempt is counted on its changes, and a count that cannot be written stops nothing', async (t) => {
  const base = createPorts();
  const { ports, seen, fire } = createPorts({
    outbox: {
      ...base.ports.outbox,
      countAttempt: async () => {
        throw new Error('locked');
      },
    },
    link: { ...base.ports.link, push: async () => ({ type: 'network-failed', mayHaveArrived: false, detail: 'down' }) },
  });
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  fire();
  await settle();
  t.is(driver.state.phase, 'waiting');
  t.like(seen.facts.at(-1), { failures: 2, offlineSince: 1000, blocked: null });
});

/** A queue that gives each channel its own change once, and says that there is more. */
function createSharedQueue(count: number) {
  const left = Array.from({ length: count }, (_, i) => change(count - i, count - i));
  const pushSeqs = new Map<number, number>();
  return async ({ channel, heartbeat }: BatchRequest) => {
    const next = left.shift();
    if (next === undefined && !heartbeat) return null;
    const pushSeq = (pushSeqs.get(channel) ?? 0) + 1;
    pushSeqs.set(channel, pushSeq);
    return batchOf(next === undefined ? [] : [next], pushSeq, channel, left.length > 0);
  };
}

test('pushes of all channels travel at once, and each hears what came of its own', async (t) => {
  const base = createPorts();
  const waiting: { readonly push: Push; readonly answer: (outcome: PushOutcome) => void }[] = [];
  const { ports, seen } = createPorts({
    outbox: {
      ...base.ports.outbox,
      load: createSharedQueue(5),
      deliver: async (each) => void seen.deliveries.push(each),
    },
    link: {
      ...base.ports.link,
      push: (push) => {
        const { promise, resolve } = Promise.withResolvers<PushOutcome>();
        waiting.push({ push, answer: resolve });
        return promise;
      },
    },
  });
  const acknowledge = async (index: number): Promise<void> => {
    const [each] = waiting.splice(index, 1);
    each?.answer({ type: 'acked', ack: ackOf(each.push), bytes: 1 });
    await settle();
  };
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  t.deepEqual(
    waiting.map(({ push }) => push.channel),
    [0],
  );
  await acknowledge(0);
  t.deepEqual(
    waiting.map(({ push }) => push.channel),
    [0, 1, 2, 3],
  );
  await acknowledge(2);
  await acknowledge(2);
  await acknowledge(0);
  t.deepEqual(
    seen.deliveries.flatMap(({ done }) => done.map(({ change: { seq } }) => seq)),
    [5, 2, 1, 4],
  );
  await driver.stop();
});

test('a link that never answers is torn down by the watchdog, and what it answers afterwards is told to nobody', async (t) => {
  const base = createPorts();
  const late = Promise.withResolvers<PushOutcome>();
  const { ports, seen, fire } = createPorts({
    link: {
      ...base.ports.link,
      push: (push) => {
        seen.pushes.push(push);
        return late.promise;
      },
      hello: async (_disk, request) => {
        seen.hellos.push(request);
        return seen.hellos.length === 1 ? { type: 'hello-answered', answer: helloOf().answer } : { type: 'timeout' };
      },
      reset: () => {
        seen.resets += 1;
      },
    },
  });
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  for (let tick = 1; tick <= 5; tick++) {
    t.is(seen.resets, 0);
    fire(limits.syncWatchdogMs);
    await settle();
  }
  t.is(seen.resets, 1);
  t.is(seen.hellos.length, 2);
  late.resolve({ type: 'refused', code: 'NODE_BANNED', detail: '' });
  await settle();
  t.is(driver.state.memory.blocked, null);
  await driver.stop();
});

test('a new epoch is stored before the next handshake, and the comparison is run once the queue is empty', async (t) => {
  const base = createPorts();
  const { ports, seen } = createPorts({
    link: {
      ...base.ports.link,
      push: async (push) => ({ type: 'acked', ack: ackOf(push), bytes: 1 }),
      hello: async (_disk, request) => {
        seen.hellos.push(request);
        return { type: 'hello-answered', answer: helloOf(seen.epochs === 0 ? 'new-epoch' : 'compare').answer };
      },
    },
  });
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  t.like(seen, { epochs: 1, comparisons: 1 });
  t.is(seen.hellos.length, 2);
  t.false(driver.state.memory.comparing);
  await driver.stop();
});
