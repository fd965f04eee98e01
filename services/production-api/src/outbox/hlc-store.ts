import { type Database, isPostgres } from '@sgp/service-kit/database';
import { type Hlc, type HlcState, hlcNodeOf, hlcObserve, hlcTick } from '@sgp/shared/clock';

export type HlcStore = {
  /**
   * The stamp of a change: greater than every stamp that this node gave before, even when the wall clock went back.
   * @param tx the transaction that writes the change: a stamp and its change are committed together or not at all
   */
  tick(tx: Database): Promise<Hlc>;
  /** Takes note of a stamp of the Core: whoever saw it writes later than it, also where the wall clock of this shop is behind. */
  observe(tx: Database, stamp: Hlc): Promise<void>;
};

/**
 * The node's hybrid logical clock, kept in production.db so that a restart or a clock set back cannot repeat a stamp.
 * @param nodeId UUIDv7 of this node
 * @param now wall clock in milliseconds
 */
export function createHlcStore(nodeId: string, now: () => number = Date.now): HlcStore {
  const node = hlcNodeOf(nodeId);
  const read = async (tx: Database): Promise<HlcState> => {
    const query = tx('hlc_state').where({ id: 1 });
    // Two transactions must not read the same state; SQLite's write lock is held already.
    const row = await (isPostgres(tx) ? query.forUpdate() : query).first('ms', 'counter');
    return { ms: row.ms, counter: row.counter };
  };
  const write = async (tx: Database, { ms, counter }: HlcState): Promise<void> => {
    await tx('hlc_state').where({ id: 1 }).update({ ms, counter });
  };
  return {
    async tick(tx) {
      const [next, stamp] = hlcTick(await read(tx), now(), node);
      await write(tx, next);
      return stamp;
    },
    async observe(tx, stamp) {
      await write(tx, hlcObserve(await read(tx), stamp));
    },
  };
}
