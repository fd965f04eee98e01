import type { SyncState } from '@sgp/shared/sync';
import { entityKeyText } from '@sgp/sync-engine/batch';
import { laneOf } from '@sgp/sync-engine/lanes';
import type { EntityKey, OutboxChange } from '@sgp/sync-engine/ports';
import type { CoreDisk, CoreRow } from './core.ts';
import { contentKey, type EdgeDisk, isSettled, type SyncEntity } from './edge-disk.ts';
import { law } from './rules.ts';
import { addTo, type Sums, sameSums } from './sums.ts';

export type Books = ReturnType<typeof createBooks>;

/** The oracle: it knows what people wrote and what was committed, and nothing of how it travels. */
export function createBooks() {
  const parents = new Map<string, string | null>();
  const everOnCore = new Set<string>();
  const sent = new Map<string, string>();
  /** Replaced at the Core by a version that was not made from it: to be listed. */
  const replaced: { readonly edge: number; readonly key: string }[] = [];
  /** The same under version 1, which has no lineage: nobody can know, and I30 is of version 2. */
  const replacedUnheard = new Set<string>();
  const listed = new Set<string>();
  /** What was acknowledged, by the key of its content: the entity, as the Core names it. */
  const acknowledged = new Map<string, { readonly edge: number; readonly key: string }>();
  const living = new Map<number, Set<string>>();
  const copied = new Set<number>();
  /** By edge: what people wrote and the shop took, in its newest version by the key of its entity. */
  const taken = new Map<number, Map<string, string>>();
  const rollUps = new Map<number, Set<string>>();
  const shedRollUps = new Map<number, Set<string>>();
  const setOf = (sets: Map<number, Set<string>>, edge: number): Set<string> => {
    const set = sets.get(edge) ?? new Set();
    sets.set(edge, set);
    return set;
  };
  const everAcknowledged = new Set<string>();
  const descends = (key: string, from: string): boolean => {
    for (let at: string | null | undefined = key; at; at = parents.get(at)) if (at === from) return true;
    return false;
  };
  return {
    wrote(key: string, parent: string | null): void {
      parents.set(key, parent);
    },
    applied(edge: number, change: OutboxChange, before: CoreRow | undefined, wireVersion: 1 | 2): void {
      everOnCore.add(contentKey(change));
      if (before === undefined || descends(contentKey(change), contentKey(before))) return;
      if (wireVersion === 2) replaced.push({ edge, key: contentKey(before) });
      else replacedUnheard.add(contentKey(before));
    },
    listed(key: string): void {
      listed.add(key);
    },
    pushed(
      history: number,
      push: { epoch: string; channel: number; pushSeq: number; changes: readonly OutboxChange[] },
    ): void {
      const name = `${history}/${push.epoch}/${push.channel}/${push.pushSeq}`;
      const text = push.changes.map(contentKey).join(' ');
      law((sent.get(name) ?? text) === text, 'one push number has one content');
      sent.set(name, text);
    },
    /** Committed itself, or stale: a newer version was there, of which the comparison tells. */
    acknowledged(row: OutboxChange, core: CoreDisk, edge: number): void {
      const newer = (core.rows.get(`${edge}/${row.stream}/${row.entityId}`)?.version ?? 0) > row.version;
      law(newer || everOnCore.has(contentKey(row)), 'what is acknowledged was committed by the Core');
      everAcknowledged.add(contentKey(row));
      acknowledged.set(contentKey(row), { edge, key: `${row.stream}/${row.entityId}` });
    },
    /** After a restore: what neither disk holds any more was lost with the disks, and no protocol brings it back. */
    forget(edge: number, disks: readonly EdgeDisk[], core: CoreDisk): void {
      for (const [content, { edge: owner, key }] of acknowledged) {
        if (owner !== edge) continue;
        const holders = [...disks.map((disk) => disk.entities.get(key)), core.rows.get(`${edge}/${key}`)];
        if (!holders.some((each) => each !== undefined && descends(contentKey(each), content)))
          acknowledged.delete(content);
      }
    },
    /**
     * One of two copies was given up. What the Core called stale never was on it: that is the copy's alone until a comparison
     * writes it anew, as what was not acknowledged is, and goes with it by a person's decision.
     */
    giveUp(edge: number, left: EdgeDisk): void {
      for (const [content, { edge: owner, key }] of acknowledged) {
        const held = left.entities.get(key);
        if (owner !== edge || everOnCore.has(content)) continue;
        if (held === undefined || !descends(contentKey(held), content)) acknowledged.delete(content);
      }
    },
    acknowledgedBy: (edge: number) => [...acknowledged].filter(([, each]) => each.edge === edge),
    /** @param said null: refused for want of room, which only roll-ups are */
    accepted(edge: number, { stream, entityId }: EntityKey, said: SyncEntity | null): void {
      if (laneOf(stream) === 3) setOf(rollUps, edge).add(entityId);
      if (said === null) setOf(shedRollUps, edge).add(entityId);
      else if (laneOf(stream) < 3) {
        const mine = taken.get(edge) ?? new Map<string, string>();
        taken.set(edge, mine.set(entityKeyText(said), contentKey(said)));
      }
    },
    shed(edge: number, { stream, entityId, seq }: OutboxChange, left: EdgeDisk): void {
      law(laneOf(stream) === 3, 'only lane 3 is shed');
      for (const row of left.outbox.values())
        law(laneOf(row.stream) < 3 || row.parked !== null || row.seq > seq, 'the oldest is shed first');
      setOf(shedRollUps, edge).add(entityId);
    },
    takenBy: (edge: number): ReadonlyMap<string, string> => taken.get(edge) ?? new Map(),
    rollUpsOf: (edge: number): ReadonlySet<string> => setOf(rollUps, edge),
    shedBy: (edge: number): ReadonlySet<string> => setOf(shedRollUps, edge),
    lives(edge: number, machine: string, does: boolean): void {
      const machines = setOf(living, edge);
      if (does) machines.add(machine);
      else machines.delete(machine);
      if (machines.size > 1) copied.add(edge);
    },
    /** Two copies of this edge lived at once; what they said may come late. */
    hadCopies: (edge: number): boolean => copied.has(edge),
    wasAcknowledged: (content: string): boolean => everAcknowledged.has(content),
    descends,
    replaced,
    isListed: (key: string): boolean => listed.has(key),
    isKnownByList: (content: string): boolean => [...listed].some((key) => descends(key, content)),
    wasReplacedUnheard: (content: string): boolean => [...replacedUnheard].some((key) => descends(key, content)),
  };
}

/** What holds at rest; throws with what does not yet. */
export function lawsAtRest(books: Books, edge: number, disk: EdgeDisk, core: CoreDisk, wasRestored: boolean): void {
  const parked = [...disk.outbox.values()].filter((row) => row.parked !== null);
  law(disk.outbox.size === parked.length, `edge ${edge}: the queue drains`);
  const poison = [...disk.entities.values()].filter(({ payload }) => payload.includes('"poison"'));
  const parkedKeys = new Set(parked.map(contentKey));
  for (const each of poison) law(parkedKeys.has(contentKey(each)), `edge ${edge}: poison is parked`);
  for (const row of parked)
    law(
      row.payload.includes('"poison"') || (wasRestored && row.parked?.code === 'VERSION_CONFLICT'),
      `edge ${edge}: nothing innocent is parked`,
    );
  const open = new Set(parked.map((row) => `${row.stream}/${row.entityId}`));
  const counted: Sums = new Map();
  for (const [key, each] of disk.entities) {
    if (isSettled(each)) addTo(counted, each.stream, each.entityId, each.digest, 1);
    if (open.has(key)) continue;
    const row = core.rows.get(`${edge}/${key}`);
    law(
      row !== undefined && contentKey(row) === contentKey(each),
      `edge ${edge}: ${key} version ${each.version} is on the Core`,
    );
  }
  law(sameSums(counted, disk.sums), `edge ${edge}: the sums are those of what is settled`);
  for (const [key, row] of core.rows)
    if (key.startsWith(`${edge}/`) && !disk.entities.has(key.slice(2)))
      law(books.isListed(contentKey(row)), `edge ${edge}: what it does not know is listed`);
  for (const each of books.replaced)
    if (each.edge === edge)
      law(books.isListed(each.key), `edge ${edge}: what was replaced by another history is listed`);
}

/** I30: a version that was once acknowledged is an ancestor of what stands, or of what is listed: that one was made from it. */
export function lawOfLineage(books: Books, edge: number, disk: EdgeDisk, core: CoreDisk): void {
  // A poisoned version over what a restored Core forgot is parked, and keeps all that it was made from in the shop.
  const parked = [...disk.outbox.values()].filter((row) => row.parked !== null).map(contentKey);
  for (const [content, { key }] of books.acknowledgedBy(edge)) {
    const row = core.rows.get(`${edge}/${key}`);
    law(
      (row !== undefined && books.descends(contentKey(row), content)) ||
        books.isKnownByList(content) ||
        books.wasReplacedUnheard(content) ||
        parked.some((each) => books.descends(each, content)),
      `edge ${edge}: what was acknowledged stands, is an ancestor of what stands or of what is listed`,
    );
  }
}

/**
 * Where no disk was put back: what a shop took is in it, or in a version that was made from it; and every roll-up is on the
 * Core or was shed, and counted.
 */
export function lawsOfRoom(books: Books, edge: number, disk: EdgeDisk, core: CoreDisk): void {
  for (const [key, content] of books.takenBy(edge)) {
    const held = disk.entities.get(key);
    law(
      held !== undefined && books.descends(contentKey(held), content),
      `edge ${edge}: what people wrote is kept in the shop`,
    );
  }
  const shed = books.shedBy(edge);
  law(disk.shed === shed.size, `edge ${edge}: what was shed is counted`);
  for (const entityId of books.rollUpsOf(edge))
    law(
      shed.has(entityId) || core.rows.has(`${edge}/rollups/${entityId}`),
      `edge ${edge}: a roll-up is on the Core or was shed`,
    );
}

/** It comes back by itself; what is parked waits for a person. */
export function lawOfStatus(edge: number, { disk, status }: { disk: EdgeDisk; status: () => SyncState }): void {
  const expected = disk.outbox.size > 0 ? 'failed' : 'ok';
  law(status() === expected, `edge ${edge}: the status comes back to ${expected}`);
}

export function lawsOfCore(core: CoreDisk): void {
  const counted: Sums = new Map();
  for (const [key, row] of core.rows) addTo(counted, key.split('/').slice(0, 2).join('/'), row.entityId, row.digest, 1);
  law(sameSums(counted, core.sums), 'the sums of the Core are those of its rows');
}
