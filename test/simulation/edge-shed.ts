import { entityKeyText } from '@sgp/sync-engine/batch';
import { laneOf } from '@sgp/sync-engine/lanes';
import { type EdgeDisk, isSettled, type QueuedChange } from './edge-disk.ts';
import type { Mutant } from './rules.ts';

/** Room on a machine's disk: `nearly-full` is 90 %, `full` takes no write at all. */
export type Room = 'free' | 'nearly-full' | 'full';

/** How often the disk is looked at. */
export const shedEveryMs = 10_000;
/** Few, so that a step leaves some. */
const rowsPerStep = 2;

/**
 * One look at the disk, in one transaction: nearly full, new changes of lane 3 are refused; and where it was so at the look
 * before, the oldest that wait are dropped and counted.
 * @returns what was dropped
 */
export function shedOnce(draft: EdgeDisk, room: Room, mutant: Mutant | null): readonly QueuedChange[] {
  const isFull = room !== 'free';
  const wasFull = draft.shedding;
  draft.shedding = isFull;
  if (!isFull || !wasFull) return [];
  const lowest = mutant === 'lane-2-shed' ? 2 : 3;
  const waiting = [...draft.outbox.values()].filter((row) => row.parked === null && laneOf(row.stream) >= lowest);
  const dropped = (mutant === 'newest-shed' ? waiting.toReversed() : waiting).slice(0, rowsPerStep);
  for (const row of dropped) {
    draft.outbox.delete(row.seq);
    const entity = draft.entities.get(entityKeyText(row));
    if (entity && !isSettled(entity)) draft.entities.delete(entityKeyText(row));
  }
  if (mutant !== 'shed-not-counted') draft.shed += dropped.length;
  return dropped;
}
