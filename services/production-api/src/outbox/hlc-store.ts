import { type Database, isPostgres } from '@sgp/service-kit/database';
import { type Hlc, hlcNodeOf, hlcTick } from '@sgp/shared/clock';

export type HlcStore = {
  /**
   * The stamp of a change: greater than every stamp that this node gave before, even when the wall clock went back.
   * @param tx the transaction that writes the change: a stamp and its change are committed together or not at all
   */
  tick(tx: Database): Promise<Hlc>;
};

/**
 * The node's hybrid logical clock, kept in production.db so that a restart or a clock set back cannot repeat a stamp.
 * @param nodeId UUIDv7 of this node
 * @param now wall clock in milliseconds
 */
export function createHlcStore(nodeId: string, now: () => number = Date.now): HlcStore {
  const node = hlcNodeOf(nodeId);
  return {
    async tick(tx) {
      const read = tx('hlc_state').where({ id: 1 });
      // Two transactions must not read the same state; SQLite's write lock is held already.
      const row = await (isPostgres(tx) ? read.forUpdate() : read).first('ms', 'counter');
      const [next, stamp] = hlcTick({ ms: row.ms, counter: row.counter }, now(), node);
      await tx('hlc_state').where({ id: 1 }).update({ ms: next.ms, counter: next.counter });
      return stamp;
    },
  };
}
