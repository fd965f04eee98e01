import type { BatchRequest, ChangeRef, Delivery, LinkFacts, LinkPort, OutboxPort, ParkReason } from './ports.ts';
import { uplink } from './uplink.ts';
import type { Effect, UplinkEvent, UplinkState } from './uplink-state.ts';

export type DriverPorts = {
  readonly outbox: OutboxPort;
  readonly link: LinkPort;
  /** Wall clock in ms since 1970. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Runs `fire` once after `delayMs`; returns how to take it back. */
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
  readonly report: (facts: LinkFacts) => void;
  /** Words for a failure of the storage, as the sync page shows them; logs it too. */
  readonly explain: (error: unknown) => ParkReason;
};

export type Driver = {
  start(): void;
  /** The outbox grew. */
  doorbell(): void;
  networkChanged(): void;
  /**
   * Starts nothing new, and resolves when what was being stored is stored. A push that is under way is not awaited: it
   * is repeated after the next start, and the Core answers `duplicate`.
   */
  stop(): Promise<void>;
  readonly state: UplinkState;
};

/** Runs the uplink against the world: performs each effect and feeds what came of it back as an event. */
export function createDriver(initial: UplinkState, ports: DriverPorts): Driver {
  let state = initial;
  let cancelTimer = (): void => undefined;

  const dispatch = (event: UplinkEvent): void => {
    const [next, effects] = uplink(state, event, { now: ports.now(), random: ports.random() });
    state = next;
    for (const effect of effects) perform(effect);
  };

  const storing = new Set<Promise<void>>();
  const track = (work: Promise<void>): void => {
    const done = work.finally(() => storing.delete(done));
    storing.add(done);
  };
  const store = async (work: Promise<UplinkEvent>): Promise<void> => {
    const event = await work.catch((error): UplinkEvent => ({ type: 'storage-failed', ...ports.explain(error) }));
    dispatch(event);
  };
  const load = async (request: BatchRequest): Promise<UplinkEvent> => {
    const batch = await ports.outbox.load(request);
    return batch === null ? { type: 'nothing-loaded' } : { type: 'batch-loaded', batch };
  };
  const deliver = async (delivery: Delivery): Promise<UplinkEvent> => {
    await ports.outbox.deliver(delivery);
    return { type: 'stored' };
  };
  const countAttempt = async (changes: readonly ChangeRef[]): Promise<void> => {
    try {
      await ports.outbox.countAttempt(changes);
    } catch (error) {
      // The count is for people to see; the queue does not depend on it.
      ports.explain(error);
    }
  };

  const perform = (effect: Effect): void => {
    switch (effect.type) {
      case 'load-batch':
        track(store(load(effect.request)));
        break;
      case 'deliver':
        track(store(deliver(effect.delivery)));
        break;
      case 'count-attempt':
        track(countAttempt(effect.changes));
        break;
      case 'push':
        void ports.link.push(effect.push).then(dispatch);
        break;
      case 'schedule':
        cancelTimer();
        cancelTimer = ports.setTimer(effect.delayMs, () => dispatch({ type: effect.timer }));
        break;
      case 'report':
        ports.report(effect.facts);
    }
  };

  return {
    start: () => dispatch({ type: 'start' }),
    doorbell: () => dispatch({ type: 'doorbell' }),
    networkChanged: () => dispatch({ type: 'network-changed' }),
    async stop() {
      dispatch({ type: 'stop' });
      cancelTimer();
      await Promise.all(storing);
    },
    get state() {
      return state;
    },
  };
}
