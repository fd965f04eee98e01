import { limits } from '@sgp/shared/limits';
import { createPacedLine, createTokenBucket } from '@sgp/sync-engine/paced-line';
import type { Push, PushOutcome } from '@sgp/sync-engine/ports';
import test from 'ava';
import fc from 'fast-check';
import { ackOf, batchOf, change } from './support.ts';

const pushOf = (bytes: number): Push => ({
  ...batchOf([{ ...change(1, 1), payload: 'x'.repeat(bytes) }]),
  wire: { version: 1 },
  origin: 'queue',
  sentAt: 0,
  attempt: 1,
  signOffsetMs: 0,
});
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

/** A line over a link that acknowledges at once; time passes only as the timers say. */
function createLine(maxBytesPerS: number | null, compressedTo = 1) {
  let now = 0;
  const sentAt: number[] = [];
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>();
  const line = createPacedLine({
    maxBytesPerS,
    now: () => now,
    link: {
      push: async (push): Promise<PushOutcome> => {
        sentAt.push(now);
        const bytes = push.changes.reduce((sum, { payload }) => sum + payload.length, 0);
        return { type: 'acked', ack: ackOf(push), bytes: bytes * compressedTo };
      },
    },
    setTimer(delayMs, fire) {
      const timer = { at: now + delayMs, fire };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  });
  const passUntilSent = async (count: number): Promise<void> => {
    await settle();
    while (sentAt.length < count) {
      const [next] = [...timers].sort((a, b) => a.at - b.at);
      if (next === undefined) throw new Error('nothing is due');
      timers.delete(next);
      now = next.at;
      next.fire();
      await settle();
    }
  };
  return { line, sentAt, timers, passUntilSent };
}

test('without a cap nothing waits', async (t) => {
  const { line, sentAt, timers } = createLine(null);
  for (let n = 0; n < 5; n++) await line.push(pushOf(100_000));
  t.deepEqual(sentAt, [0, 0, 0, 0, 0]);
  t.is(timers.size, 0);
});

test('with a cap a push waits until those before it are paid for', async (t) => {
  const { line, sentAt, passUntilSent } = createLine(1_000);
  for (let n = 1; n <= 4; n++) {
    void line.push(pushOf(2_000));
    await passUntilSent(n);
  }
  // One second is saved up at the start; from then on 2,000 bytes cost two seconds.
  t.deepEqual(sentAt, [0, 1_000, 3_000, 5_000]);
});

test('what compression saved is given back', async (t) => {
  const { line, sentAt, passUntilSent } = createLine(1_000, 0.1);
  for (let n = 1; n <= 4; n++) {
    void line.push(pushOf(2_000));
    await passUntilSent(n);
  }
  t.deepEqual(sentAt, [0, 0, 0, 0]);
});

test('a push that waits for its turn never goes once the line was stopped', async (t) => {
  const { line, sentAt, timers } = createLine(1_000);
  await line.push(pushOf(5_000));
  void line.push(pushOf(5_000));
  await settle();
  t.is(timers.size, 1);
  line.stop();
  t.is(timers.size, 0);
  t.is(sentAt.length, 1);
});

test('no pause is longer than the watchdog bears, whatever is spent and whatever the clock does', (t) => {
  const spending = fc.array(fc.record({ bytes: fc.nat(10_000_000), now: fc.nat(1_000_000) }), { maxLength: 50 });
  t.true(limits.syncRatePauseMaxMs + limits.syncRequestTimeoutMs < limits.syncWatchdogMs);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), spending, (rate, steps) => {
      const bucket = createTokenBucket(rate);
      for (const { bytes, now } of steps) {
        const waitMs = bucket.spend(bytes, now);
        t.true(waitMs >= 0 && waitMs <= limits.syncRatePauseMaxMs);
      }
    }),
  );
});
