import { setTimeout as sleep } from 'node:timers/promises';
import type { SseEvent } from '@sgp/service-kit/sse';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { createFeed } from '../src/floor/feed.ts';
import type { Outcome } from '../src/floor/outcome.ts';

const nothing: Outcome = {
  statuses: new Map(),
  metrics: [],
  samples: new Map(),
  lines: new Map(),
  counts: [],
  refusals: [],
  repeats: 0,
};
const sampleOf = (at: number): Outcome => ({
  ...nothing,
  samples: new Map([['m1', [{ metric: 'speed', at, skewMs: 0, value: at }]]]),
});

/** What the streams of a shop would be sent. */
function createStreams(size: number) {
  const sent: { readonly event: SseEvent; readonly at: number }[] = [];
  return { sent, size, send: (_: string, event: SseEvent) => void sent.push({ event, at: performance.now() }) };
}
const machines = { view: () => null, signal: () => null };

test('samples are gathered into at most ten events a second, none lost, in order', async (t) => {
  const streams = createStreams(1);
  using feed = createFeed(streams, machines);
  const begun = performance.now();
  for (let at = 0; at < 60; at += 1) {
    feed.committed(sampleOf(at));
    await sleep(5);
  }
  await sleep(2 * limits.machineEventsIntervalMs);
  const elapsedMs = performance.now() - begun;
  t.true(streams.sent.length <= Math.ceil(elapsedMs / limits.machineEventsIntervalMs));
  const samples = streams.sent.flatMap(({ event }) => (event.data as { samples: { at: number }[] }).samples);
  t.deepEqual(
    samples.map(({ at }) => at),
    [...Array(60).keys()],
  );
});

test('when nobody looks, nothing is gathered', async (t) => {
  const streams = createStreams(0);
  using feed = createFeed(streams, machines);
  feed.committed(sampleOf(1));
  feed.changed('m1');
  await sleep(2 * limits.machineEventsIntervalMs);
  t.deepEqual(streams.sent, []);
});
