import { createDriver, type DriverPorts } from '@sgp/sync-engine/driver';
import type { Delivery, LinkFacts, Push } from '@sgp/sync-engine/ports';
import test from 'ava';
import { ackOf, batchOf, change, fresh } from './support.ts';

/** Runs what is due, then lets every promise settle. */
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

function createPorts(overrides: Partial<DriverPorts> = {}) {
  const seen = { pushes: [] as Push[], deliveries: [] as Delivery[], facts: [] as LinkFacts[], counted: 0 };
  let timer: (() => void) | null = null;
  let pushSeq = 0;
  const queue = [change(2, 2), change(1, 1)];
  const ports: DriverPorts = {
    outbox: {
      load: async ({ heartbeat }) => {
        if (queue.length === 0 && !heartbeat) return null;
        pushSeq += 1;
        return batchOf(queue.slice(), pushSeq);
      },
      deliver: async (delivery) => {
        seen.deliveries.push(delivery);
        queue.length = 0;
      },
      countAttempt: async () => {
        seen.counted += 1;
      },
    },
    link: {
      push: async (push) => {
        seen.pushes.push(push);
        return { type: 'acked', ack: ackOf(push), bytes: 10 };
      },
    },
    now: () => 1000,
    random: () => 0.5,
    setTimer(_delayMs, fire) {
      timer = fire;
      return () => {
        if (timer === fire) timer = null;
      };
    },
    report: (facts) => seen.facts.push(facts),
    explain: () => ({ code: 'DISK_FULL', detail: 'full' }),
    ...overrides,
  };
  return { seen, queue, ports, fire: () => timer?.(), timerRuns: () => timer !== null };
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
    link: { push: async () => ({ type: 'network-failed', mayHaveArrived: false, detail: 'down' }) },
  });
  const driver = createDriver(fresh(), ports);
  driver.start();
  await settle();
  fire();
  await settle();
  t.is(driver.state.phase, 'waiting');
  t.like(seen.facts.at(-1), { failures: 2, offlineSince: 1000, blocked: null });
});
