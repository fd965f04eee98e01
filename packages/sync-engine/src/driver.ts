import { createPacedLine } from './paced-line.ts';
import type {
  BatchRequest,
  ChangeRef,
  CompareOutcome,
  Delivery,
  HelloRequest,
  LinkFacts,
  LinkPort,
  OutboxPort,
  ParkReason,
} from './ports.ts';
import { uplink } from './uplink.ts';
import type { ChannelEvent, Effect, LeadEvent, TimerName, UplinkEvent, UplinkState } from './uplink-state.ts';
import { leadChannel } from './uplink-state.ts';

export type DriverPorts = {
  readonly outbox: OutboxPort;
  /** `reset` ends every connection; what runs on them fails. */
  readonly link: LinkPort & { reset(): void };
  /** Compares with the Core, and queues again what differs. It never rejects and always ends within its own time limit. */
  readonly compare: () => Promise<CompareOutcome>;
  /** Wall clock in ms since 1970. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Runs `fire` once after `delayMs`; returns how to take it back. */
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
  readonly report: (facts: LinkFacts) => void;
  /** Words for a failure of the storage, as the sync page shows them; logs it too. */
  readonly explain: (error: unknown) => ParkReason;
  /** What sync may use of the line; null: all of it. */
  readonly maxBytesPerS: number | null;
};

export type Driver = {
  start(): void;
  /** The outbox grew. */
  doorbell(): void;
  networkChanged(): void;
  /**
   * Starts nothing new, and resolves when what was being stored is stored. A push or a comparison that is under way is
   * not awaited: a push is repeated after the next start, and the Core answers `duplicate`.
   */
  stop(): Promise<void>;
  readonly state: UplinkState;
};

const ignore = (): void => undefined;

/** Runs the uplink against the world: performs each effect and feeds what came of it back as an event. */
export function createDriver(initial: UplinkState, ports: DriverPorts): Driver {
  let state = initial;
  const timers = new Map<TimerName, () => void>();
  const works = new Map<number, number>();
  const storing = new Set<Promise<void>>();
  const line = createPacedLine(ports);

  const dispatch = (event: UplinkEvent): void => {
    const [next, effects] = uplink(state, event, { now: ports.now(), random: ports.random() });
    state = next;
    for (const effect of effects) perform(effect);
  };

  /** One work at a time in each channel: what comes of an earlier one comes too late. */
  const workOf = (channel: number): ((event: ChannelEvent | LeadEvent) => void) => {
    const mine = (works.get(channel) ?? 0) + 1;
    works.set(channel, mine);
    return (event) => {
      if (works.get(channel) !== mine) return;
      dispatch(
        channel === leadChannel ? (event as LeadEvent) : { type: 'helper', channel, event: event as ChannelEvent },
      );
    };
  };
  const track = (work: Promise<void>): void => {
    const done = work.finally(() => storing.delete(done));
    storing.add(done);
  };
  const store = (channel: number, work: Promise<ChannelEvent | LeadEvent>): void => {
    const tell = workOf(channel);
    track(work.catch((error): ChannelEvent => ({ type: 'storage-failed', ...ports.explain(error) })).then(tell));
  };

  const load = async (request: BatchRequest): Promise<ChannelEvent> => {
    const batch = await ports.outbox.load(request);
    return batch === null ? { type: 'nothing-loaded' } : { type: 'batch-loaded', batch };
  };
  const deliver = async (delivery: Delivery): Promise<ChannelEvent> => {
    await ports.outbox.deliver(delivery);
    return { type: 'stored' };
  };
  const takeEpoch = async (): Promise<LeadEvent> => {
    await ports.outbox.takeEpoch();
    return { type: 'epoch-taken' };
  };
  const countAttempt = async (changes: readonly ChangeRef[]): Promise<void> => {
    try {
      await ports.outbox.countAttempt(changes);
    } catch (error) {
      // The count is for people to see; the queue does not depend on it.
      ports.explain(error);
    }
  };
  const hello = async (request: HelloRequest): Promise<LeadEvent> => {
    const identity = ports.outbox.identity();
    track(identity.then(ignore, ignore));
    const disk = await identity;
    const outcome = await ports.link.hello(disk, request);
    return outcome.type === 'hello-answered' ? { ...outcome, disk } : outcome;
  };

  const perform = (effect: Effect): void => {
    switch (effect.type) {
      case 'hello': {
        const tell = workOf(leadChannel);
        const failed = (error: unknown): LeadEvent => ({ type: 'storage-failed', ...ports.explain(error) });
        void hello(effect.request).catch(failed).then(tell);
        break;
      }
      case 'take-epoch':
        store(leadChannel, takeEpoch());
        break;
      case 'load-batch':
        store(effect.request.channel, load(effect.request));
        break;
      case 'deliver':
        store(effect.channel, deliver(effect.delivery));
        break;
      case 'count-attempt':
        track(countAttempt(effect.changes));
        break;
      case 'push':
        void line.push(effect.push).then(workOf(effect.push.channel));
        break;
      case 'release':
        ports.outbox.release(effect.channel);
        break;
      case 'reset-link':
        ports.link.reset();
        break;
      case 'compare':
        void ports.compare().then(dispatch);
        break;
      case 'schedule': {
        const { timer, delayMs } = effect;
        timers.get(timer)?.();
        timers.set(
          timer,
          ports.setTimer(delayMs, () => dispatch({ type: timer })),
        );
        break;
      }
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
      for (const cancel of timers.values()) cancel();
      line.stop();
      await Promise.all(storing);
    },
    get state() {
      return state;
    },
  };
}
