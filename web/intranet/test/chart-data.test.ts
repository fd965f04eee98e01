import type { Machine } from '@sgp/shared/api/machines';
import test from 'ava';
import { appendSamples, nextReading, spanTotals, withGaps } from '../src/logic/chart-data.ts';
import { withSamples } from '../src/logic/machine-samples.ts';

const series = (at: readonly number[], bucketMs = 1_000) => ({
  bucketMs,
  at,
  min: at.map(() => 1),
  avg: at.map(() => 2),
  max: at.map(() => 3),
});

test('an even series has no gap, however slow the machine speaks', (t) => {
  const data = withGaps(series([0, 10_000, 20_000, 30_000]), []);
  t.false(data.avg.includes(null));
  t.deepEqual(data.at, [0, 10, 20, 30]);
});

test('a hole in the samples is a gap and not a line', (t) => {
  const data = withGaps(series([0, 1_000, 2_000, 60_000, 61_000]), []);
  t.deepEqual(data.avg, [2, 2, 2, null, 2, 2]);
});

test('a span without signal is a gap even between two near points', (t) => {
  const data = withGaps(series([0, 3_000, 6_000], 500), [{ from: 3_500, to: 5_500, state: null, signal: false }]);
  t.deepEqual(data.avg, [2, 2, null, 2]);
});

test('live samples are appended in order, old ones leave, and a repeat draws nothing twice', (t) => {
  const start = series([1_000, 2_000, 3_000]);
  const next = appendSamples(
    start,
    [
      { at: 5_000, value: 9 },
      { at: 4_000, value: 8 },
      { at: 3_000, value: 7 },
    ],
    2_000,
  );
  t.deepEqual(next.at, [2_000, 3_000, 4_000, 5_000]);
  t.deepEqual(next.avg, [2, 2, 8, 9]);
  t.is(appendSamples(next, [{ at: 5_000, value: 9 }], 2_000), next);
});

test('states are summed inside the window and lost signal is its own sum', (t) => {
  const totals = spanTotals(
    [
      { from: 0, to: 40, state: 'running', signal: true },
      { from: 40, to: 60, state: 'running', signal: false },
      { from: 60, to: 200, state: 'stopped', signal: true },
    ],
    10,
    100,
  );
  t.deepEqual(
    [...totals],
    [
      ['running', 30],
      ['gap', 20],
      ['stopped', 40],
    ],
  );
});

test('the arrows step over gaps and stay at the ends', (t) => {
  const values = [1, null, 2];
  t.is(nextReading(values, null, 1), 0);
  t.is(nextReading(values, 0, 1), 2);
  t.is(nextReading(values, 2, 1), 2);
  t.is(nextReading(values, null, -1), 2);
  t.is(nextReading([], null, -1), null);
});

test('samples bring the newest value of each metric, known or new, and an old one changes nothing', (t) => {
  const machine = { metrics: [{ name: 'ppm', value: 800, at: 10 }], lastMessageAt: 10 } as unknown as Machine;
  const told = withSamples(
    machine,
    [
      { metric: 'ppm', value: 790, at: 5 },
      { metric: 'ppm', value: 812, at: 20 },
      { metric: 'agulha', value: 'azul', at: 20 },
    ],
    21,
  );
  t.deepEqual(told.metrics, [
    { name: 'ppm', value: 812, at: 20 },
    { name: 'agulha', value: 'azul', at: 20 },
  ]);
  t.is(told.lastMessageAt, 21);
  t.is(withSamples(machine, [], 99), machine);
});
