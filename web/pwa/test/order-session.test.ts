import type { TrackedOrder } from '@sgp/shared/api/tracking';
import test from 'ava';
import { createOrderSession, type OrderEvents } from '../src/logic/order-session.ts';
import { createSavedOrders } from '../src/logic/saved-orders.ts';
import type { OrderAnswer } from '../src/logic/tracking-client.ts';
import { memoryStorage, token, trackedOrder } from './support/order.ts';

const found = (order: TrackedOrder): OrderAnswer => ({ kind: 'order', order });
const silent: OrderAnswer = { kind: 'silent' };
const dead: OrderAnswer = { kind: 'dead' };

/** A session with a mirror that answers when the test says so, a clock and timers in the test's hand. */
function bench(storage = memoryStorage()) {
  const waiting: ((answer: OrderAnswer) => void)[] = [];
  const streams: (OrderEvents & { closed: boolean })[] = [];
  const timers: (() => void)[] = [];
  const forgotten: string[] = [];
  const clock = { ms: 1_000 };
  const saved = createSavedOrders(storage);
  const session = createOrderSession(token, {
    client: { order: () => new Promise((resolve) => waiting.push(resolve)) },
    saved,
    forgetPhotos: (mediaIds) => void forgotten.push(...mediaIds),
    openEvents: () => {
      const stream = {
        onVersion() {},
        onBreak() {},
        onEnd() {},
        closed: false,
        close() {
          stream.closed = true;
        },
      };
      streams.push(stream);
      return stream;
    },
    now: () => clock.ms,
    setTimer: (act) => {
      timers.push(act);
      return () => void timers.splice(timers.indexOf(act), 1);
    },
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const answer = async (given: OrderAnswer) => {
    waiting.shift()?.(given);
    await settle();
  };
  const shown = () => (session.state.value.at === 'shown' ? session.state.value : null);
  return { session, saved, streams, timers, forgotten, clock, answer, settle, shown, asked: () => waiting.length };
}

test('the first answer is shown, kept on the device and live', async (t) => {
  const { session, saved, answer, shown } = bench();
  t.is(session.state.value.at, 'asking');
  await answer(found(trackedOrder()));
  t.like(shown(), { contact: 'live', checkedAt: 1_000 });
  t.is(saved.find(token)?.order.version, 3);
});

test('a saved copy is on the screen before the mirror answers', async (t) => {
  const storage = memoryStorage();
  createSavedOrders(storage).save({ token, order: trackedOrder(), checkedAt: 500 });
  const { shown, answer } = bench(storage);
  t.like(shown(), { contact: 'asking', checkedAt: 500 });
  await answer(silent);
  t.like(shown(), { contact: 'lost', checkedAt: 500 }, 'silence keeps what is known and its hour');
});

test('silence without a copy says so, and the next answer opens the order', async (t) => {
  const { session, streams, answer, settle, shown } = bench();
  await answer(silent);
  t.is(session.state.value.at, 'away');
  streams[0]?.onVersion(3);
  await settle();
  await answer(found(trackedOrder()));
  t.is(shown()?.contact, 'live');
});

test('a newer version is fetched; one that is shown already only confirms the hour', async (t) => {
  const { streams, clock, answer, settle, shown, asked } = bench();
  await answer(found(trackedOrder()));
  clock.ms = 2_000;
  streams[0]?.onVersion(3);
  await settle();
  t.is(asked(), 0);
  t.is(shown()?.checkedAt, 2_000);
  streams[0]?.onVersion(4);
  await settle();
  t.is(asked(), 1);
  await answer(found(trackedOrder({ version: 4, status: 'ready' })));
  t.is(shown()?.order.status, 'ready');
});

test('an answer that was under way when the news came is asked for once more', async (t) => {
  const { session, streams, answer, settle, shown, asked } = bench();
  await answer(found(trackedOrder()));
  void session.refresh();
  streams[0]?.onVersion(4);
  await settle();
  t.is(asked(), 1, 'both share one question');
  await answer(found(trackedOrder({ version: 3 })));
  t.is(asked(), 1, 'the old answer is not enough');
  await answer(found(trackedOrder({ version: 4 })));
  t.is(shown()?.order.version, 4);
});

test('a broken stream asks once and then waits for the browser to open it again', async (t) => {
  const { streams, answer, settle, shown, asked } = bench();
  await answer(found(trackedOrder()));
  streams[0]?.onBreak();
  await answer(silent);
  t.is(shown()?.contact, 'lost');
  streams[0]?.onBreak();
  t.is(asked(), 0);
  streams[0]?.onVersion(3);
  await settle();
  t.is(shown()?.contact, 'live');
});

test('a refused stream is opened again after a while', async (t) => {
  const { streams, timers, answer } = bench();
  await answer(found(trackedOrder()));
  streams[0]?.onEnd();
  await answer(found(trackedOrder()));
  t.is(streams.length, 1);
  timers.shift()?.();
  t.is(streams.length, 2);
});

test('a dead link ends everything, takes the copy and its photos away and keeps whom to ask', async (t) => {
  const { session, saved, streams, forgotten, answer } = bench();
  const mediaId = '01930a5c-7f00-7000-8000-00000000000a';
  const media = [{ mediaId }] as unknown as TrackedOrder['media'];
  await answer(found(trackedOrder({ media })));
  streams[0]?.onEnd();
  await answer(dead);
  t.like(session.state.value, { at: 'dead', shop: { phone: '(47) 3441-0090' } });
  t.is(saved.find(token), null);
  t.deepEqual(forgotten, [mediaId]);
});

test('coming back to the screen asks anew only when the answer is old or contact was lost', async (t) => {
  const { session, clock, answer, asked } = bench();
  await answer(found(trackedOrder()));
  session.wake();
  t.is(asked(), 0);
  clock.ms += 61_000;
  session.wake();
  t.is(asked(), 1);
  await answer(found(trackedOrder()));
  session.lost();
  session.wake();
  t.is(asked(), 1);
});

test('a closed session says and asks nothing more', async (t) => {
  const { session, streams, answer, asked } = bench();
  session.close();
  await answer(found(trackedOrder()));
  t.is(session.state.value.at, 'asking');
  t.true(streams[0]?.closed);
  session.wake();
  t.is(asked(), 0);
});
