import { streamRules, streams, streamsOfVersion1 } from '@sgp/shared/sync';
import { helperStreams, laneOf, leadStreams } from '@sgp/sync-engine/lanes';
import test from 'ava';
import fc from 'fast-check';

const turns = fc.nat(100_000);
/** Who comes first of all but control, in each of the turns that follow. */
const leaders = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => helperStreams(from + i).find((stream) => laneOf(stream) !== 0));

test('every turn looks into every stream once, and control comes first', (t) => {
  fc.assert(
    fc.property(turns, (turn) => {
      const order = helperStreams(turn);
      t.deepEqual(order.toSorted(), streams.toSorted());
      t.is(laneOf(order[0] ?? 'orders'), 0);
    }),
  );
});

test('lane 2 leads each 4th turn of the helpers and lane 3 each 8th, wherever one begins to count', (t) => {
  fc.assert(
    fc.property(turns, (turn) => {
      const lanes = leaders(turn, 8).map((stream) => stream && laneOf(stream));
      t.is(lanes.filter((lane) => lane === 2).length, 2);
      t.is(lanes.filter((lane) => lane === 3).length, 1);
    }),
  );
});

test('no stream starves: each one comes first of all but control within a bounded number of turns', (t) => {
  const ofWidestLane = Math.max(
    ...[1, 2, 3].map((lane) => streams.filter((name) => streamRules[name].lane === lane).length),
  );
  fc.assert(
    fc.property(turns, (turn) => {
      const led = new Set(leaders(turn, 8 * (ofWidestLane + 1)));
      t.deepEqual([...led].sort(), streams.filter((name) => laneOf(name) !== 0).toSorted());
    }),
  );
});

test('the lead prefers lanes 0, 1, 2, 3, and beside a Core of version 1 sends only what that knows', (t) => {
  const lanes = leadStreams(2).map(laneOf);
  t.deepEqual(lanes, lanes.toSorted());
  t.is(lanes.length, streams.length);
  t.deepEqual(leadStreams(1), streamsOfVersion1);
});
