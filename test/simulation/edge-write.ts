import type { Json } from '@sgp/shared/canonical-json';
import type { StreamName } from '@sgp/shared/sync';
import { entityKeyText } from '@sgp/sync-engine/batch';
import { laneOf } from '@sgp/sync-engine/lanes';
import { contentKey, type EdgeDisk, enqueue, type SyncEntity, say, tick } from './edge-disk.ts';
import type { Books } from './laws.ts';
import type { Mutant } from './rules.ts';

export type Write = {
  readonly stream: StreamName;
  readonly entityId: string;
  /** Null: the next one. */
  readonly version: number | null;
  readonly poison: 'breaks' | 'parks' | null;
};
/** Null: of lane 3, and refused by a nearly full disk, which counts it. */
export type Writer = (draft: EdgeDisk, write: Write) => SyncEntity | null;

/** What a shop writes, in one transaction of the caller: the entity, and its row of the queue. */
export function createWriter(deps: {
  readonly node: string;
  readonly wall: () => number;
  readonly books: Books;
  readonly mutant: Mutant | null;
  readonly newId: () => string;
}): Writer {
  const { node, wall, books, mutant, newId } = deps;
  return (draft, { stream, entityId, version, poison }) => {
    if (draft.shedding && laneOf(stream) === 3) {
      draft.shed += 1;
      return null;
    }
    const before = draft.entities.get(entityKeyText({ stream, entityId }));
    const payload: Json = { entityId, written: newId(), ...(poison && { poison }) };
    const next = version ?? (before?.version ?? 0) + 1;
    const updatedAt = tick(draft, wall(), node, mutant);
    const entity = say(draft, { id: newId(), stream, entityId, version: next, updatedAt, payload }, mutant);
    books.wrote(contentKey(entity), before ? contentKey(before) : null);
    if (mutant !== 'outbox-outside') enqueue(draft, entity, newId());
    return entity;
  };
}
