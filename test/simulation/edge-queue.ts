import type { StreamName } from '@sgp/shared/sync';
import { createBatchPicker } from '@sgp/sync-engine/batch';
import { laneOf } from '@sgp/sync-engine/lanes';
import type { Batch, BatchRequest, OutboxChange } from '@sgp/sync-engine/ports';
import type { LeadEvent } from '@sgp/sync-engine/uplink-state';
import type { EdgeDisk, QueuedChange } from './edge-disk.ts';
import { law, type Mutant } from './rules.ts';

/** Small batches, so that a small backlog keeps every channel busy. */
const batchMaxChanges = 4;
const pushSeqBlock = 10;

export type Queue = {
  /** Reads a batch and gives it a push number, in the transaction of the caller. */
  load(draft: EdgeDisk, request: BatchRequest): LeadEvent;
  release(channel: number): void;
  /** Push numbers begin anew with an epoch. */
  renumber(): void;
};

/** How one start of the bridge reads the queue: what it claimed and reserved is in its memory and ends with it. */
export function createQueue(mutant: Mutant | null): Queue {
  const claims = new Map<number, ReadonlySet<string>>();
  const numbers = new Map<number, { next: number; reserved: number }>();

  const forgotten = (stream: StreamName): boolean =>
    (mutant === 'lane-3-forgotten' && laneOf(stream) === 3) || (mutant === 'lane-2-forgotten' && laneOf(stream) === 2);

  const takeNumber = (draft: EdgeDisk, { channel, pushSeqAbove }: BatchRequest): number => {
    const number = numbers.get(channel) ?? { next: 1, reserved: 0 };
    numbers.set(channel, number);
    if (number.next > number.reserved || number.next <= pushSeqAbove) {
      number.next = Math.max(draft.pushSeqs[channel] ?? 0, pushSeqAbove) + 1;
      number.reserved = number.next + pushSeqBlock - 1;
      if (mutant !== 'push-number-reused')
        draft.pushSeqs = draft.pushSeqs.map((each, i) => (i === channel ? number.reserved : each));
    }
    return number.next++;
  };

  return {
    load(draft, request) {
      claims.delete(request.channel);
      if (mutant === 'unknown-streams-dropped' && request.origin === 'queue')
        for (const row of draft.outbox.values())
          if (!request.streams.includes(row.stream)) draft.outbox.delete(row.seq);
      const claimed = new Set([...claims.values()].flatMap((keys) => [...keys]));
      const isOpen = (row: QueuedChange): boolean =>
        row.parked === null &&
        !forgotten(row.stream) &&
        !claimed.has(row.entityId) &&
        (request.only?.some(({ entityId }) => entityId === row.entityId) ?? true);
      const open = [...draft.outbox.values()].filter(isOpen);
      const stream =
        request.streams.find((name) => open.some((row) => row.stream === name)) ?? request.streams[0] ?? 'orders';
      const ofStream = open.filter((row) => row.stream === stream);
      const maxChanges = Math.min(request.maxChanges, batchMaxChanges);
      const picker = createBatchPicker<OutboxChange>({ ...request, maxChanges });
      if (request.only?.length !== 0) for (const { parked: _, ...row } of ofStream.toReversed()) picker.offer(row);
      const changes = [...picker.picked];
      if (changes.length === 0 && !request.heartbeat) return { type: 'nothing-loaded' };
      claims.set(request.channel, new Set(changes.map(({ entityId }) => entityId)));
      const lowest = Math.min(draft.lastSeq + 1, ...draft.outbox.keys());
      const lowWaterSeq = mutant === 'low-water-too-high' ? draft.lastSeq : lowest - 1;
      law(![...draft.outbox.keys()].some((seq) => seq <= lowWaterSeq), 'at or below lowWaterSeq nothing is open');
      const more = new Set(ofStream.map(({ entityId }) => entityId)).size > changes.length;
      const pushSeq = takeNumber(draft, request);
      const batch: Batch = {
        channel: request.channel,
        stream,
        epoch: draft.epoch,
        pushSeq,
        lowWaterSeq,
        changes,
        more,
      };
      return { type: 'batch-loaded', batch };
    },
    release(channel) {
      claims.delete(channel);
    },
    renumber() {
      numbers.clear();
    },
  };
}
