import { limits } from '@sgp/shared/limits';
import type { SyncState } from '@sgp/shared/sync';
import type { LinkFacts } from '@sgp/sync-engine/ports';
import { syncState } from '@sgp/sync-engine/status';
import { contentKey, type EdgeDisk } from './edge-disk.ts';
import type { Books } from './laws.ts';
import { law, type Mutant } from './rules.ts';

/** How often the bridge tells its status, changed or not. */
export const screenEveryMs = 10_000;

export type Screen = {
  /** This start heard an acknowledgement. */
  acknowledged(): void;
  /** What people are shown now. */
  show(disk: EdgeDisk, facts: LinkFacts): SyncState;
};

/**
 * The status that one start of an edge shows, and its law: never ok while there is something that the Core did not
 * acknowledge, nor when its last acknowledgement is older than the limit in true time.
 * @param trueTime what no process sees; it serves as the clock that never jumps as well
 */
export function createScreen(deps: {
  readonly books: Books;
  readonly mutant: Mutant | null;
  readonly wall: () => number;
  readonly trueTime: () => number;
}): Screen {
  const { books, mutant, wall, trueTime } = deps;
  let ackAt: number | null = null;
  return {
    acknowledged() {
      ackAt = trueTime();
    },
    show(disk, facts) {
      const rows = [...disk.outbox.values()];
      const waiting = rows.filter(({ parked }) => parked === null).length;
      const now = wall();
      const state = syncState({
        ...facts,
        now,
        sinceAckMs: ackAt === null ? null : trueTime() - ackAt,
        ...(mutant === 'clock-trusted' && { lastAckAt: Math.min(facts.lastAckAt ?? now, now), sinceAckMs: 0 }),
        pendingChanges: mutant === 'queue-not-counted' ? 0 : waiting,
        oldestPendingAt: null,
        pendingMedia: 0,
        parkedChanges: rows.length - waiting,
      });
      if (state !== 'ok') return state;
      for (const each of disk.entities.values())
        law(books.wasAcknowledged(contentKey(each)), 'ok is never said of what the Core did not acknowledge');
      law(
        ackAt !== null && trueTime() - ackAt <= limits.syncOkMaxAckAgeMs,
        'ok is never said when the last acknowledgement is too old in true time',
      );
      return state;
    },
  };
}
