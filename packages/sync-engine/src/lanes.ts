import { type Lane, lanes, type StreamName, streamRules, streams, streamsOfVersion1 } from '@sgp/shared/sync';

/** Which stream a channel looks into first (docs/sync-protocol.md §3.2). */

export const laneOf = (stream: StreamName): Lane => streamRules[stream].lane;

const byLane: readonly (readonly StreamName[])[] = lanes.map((lane) =>
  streams.filter((stream) => laneOf(stream) === lane),
);

/** The lead looks for what is most urgent, always in the same order. */
export const leadStreams = (wireVersion: 1 | 2): readonly StreamName[] =>
  wireVersion === 1 ? streamsOfVersion1 : byLane.flat();

/** The shares of the lanes repeat after so many turns of the helpers; with each round the streams of a lane move up by one. */
const turnsOfRound = 8;

/**
 * The order for one turn of the helpers: control first, then the lane whose turn it is, then the others; the streams of
 * a lane take turns at its head. So whatever waits
 * comes first of all but control within a bounded number of turns, however much of anything else keeps coming.
 */
export function helperStreams(turn: number): readonly StreamName[] {
  const leading = leadingLane(turn);
  const round = Math.floor(turn / turnsOfRound);
  const order: readonly Lane[] = [0, leading, ...lanes.filter((lane) => lane !== 0 && lane !== leading)];
  return order.flatMap((lane) => rotated(byLane[lane] ?? [], round));
}

/** Lane 2 each 4th turn, lane 3 each 8th between two of these, lane 1 the rest. */
function leadingLane(turn: number): Lane {
  if (turn % 4 === 0) return 2;
  return turn % turnsOfRound === 6 ? 3 : 1;
}

const rotated = <T>(list: readonly T[], by: number): readonly T[] => {
  const first = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
};
