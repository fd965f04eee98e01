import type { StreamName } from '@sgp/shared/sync';
import { createBatchPicker } from '@sgp/sync-engine/batch';
import { laneOf } from '@sgp/sync-engine/lanes';
import type {
  Batch,
  BatchRequest,
  Delivery,
  DiskIdentity,
  HelloOutcome,
  HelloRequest,
  LinkFacts,
  OutboxChange,
  Push,
  PushOutcome,
} from '@sgp/sync-engine/ports';
import { uplink } from '@sgp/sync-engine/uplink';
import {
  type Effect,
  initialUplink,
  type LeadEvent,
  type UplinkEvent,
  type UplinkState,
} from '@sgp/sync-engine/uplink-state';
import { change } from './support.ts';
import { type Core, createCore, isOnCore, law, numberOf } from './world-core.ts';

/**
 * One edge and one Core in virtual time: the real uplink and the real inbox rules, a queue and a store in memory, and a
 * link that fails as it is told. The test is its god; the world keeps its own books and throws when a law is broken.
 */

export type Fault =
  | 'none'
  | 'lost'
  | 'ack-lost'
  | 'timeout'
  | 'twice'
  | 'unavailable'
  | 'broken'
  | 'replay'
  | 'stale-seq'
  | 'garbled'
  | 'silent'
  | 'wedged';
export const faults: readonly Fault[] = [
  'none',
  'none',
  'lost',
  'ack-lost',
  'timeout',
  'twice',
  'unavailable',
  'broken',
  'replay',
  'stale-seq',
  'garbled',
  'silent',
  'wedged',
];

export type World = ReturnType<typeof createWorld>;

const pushSeqBlock = 10;
const uuid = (kind: string, n: number): string => `01900000-0000-7000-${kind}-${String(n).padStart(12, '0')}`;

type Disk = {
  readonly epoch: string;
  readonly parentEpoch: string | null;
  readonly generation: number;
  /** Reserved, by channel. */
  readonly pushSeqs: readonly number[];
  readonly lastAckAt: number | null;
  readonly ackedSeq: number;
  readonly written: readonly OutboxChange[];
  readonly outbox: readonly OutboxChange[];
  readonly parked: ReadonlyMap<number, OutboxChange>;
};
type Life = { readonly instanceId: string; readonly numbers: { next: number; reserved: number }[] };

export function createWorld(options: {
  readonly random: () => number;
  readonly isPoison: (entityNumber: number) => boolean;
  readonly streamOf?: (entityNumber: number) => StreamName;
}) {
  const { random, isPoison, streamOf = () => 'orders' } = options;
  let now = 1_000_000;
  let order = 0;
  type Planned = { readonly at: number; readonly order: number; readonly run: () => void };
  const plan: Planned[] = [];
  const later = (delayMs: number, run: () => void): void => {
    plan.push({ at: now + delayMs, order: order++, run });
  };

  let epochs = 1;
  let disk: Disk = {
    epoch: uuid('a000', epochs),
    parentEpoch: null,
    generation: 0,
    pushSeqs: [0, 0, 0, 0],
    lastAckAt: null,
    ackedSeq: 0,
    written: [],
    outbox: [],
    parked: new Map(),
  };
  const stored = () => ({
    lastAckAt: disk.lastAckAt,
    offlineSince: null,
    clockSkewMs: null,
    ackedSeq: disk.ackedSeq,
    blocked: null,
  });

  // The edge's process.
  let lives = 0;
  let life: Life = { instanceId: '', numbers: [] };
  let state: UplinkState = initialUplink(stored());
  let facts: LinkFacts | null = null;
  const timers = new Map<string, number>();
  const works = new Map<number, number>();
  const claims = new Map<number, ReadonlySet<string>>();
  // The Core and the way to it.
  const core: Core = createCore(isPoison);
  let fault: () => Fault = () => 'none';
  const log: { readonly at: number; readonly push: Push }[] = [];
  let hellos = 0;
  let comparisons = 0;
  let resets = 0;

  const dispatch = (event: UplinkEvent): void => {
    const [next, effects] = uplink(state, event, { now, random: random() });
    state = next;
    for (const effect of effects) perform(effect);
  };
  /** What comes back to a process that died, or to a channel that does something else by now, comes back to nobody. */
  const tellerOf = (channel: number): ((event: LeadEvent) => void) => {
    const mine = life;
    const work = (works.get(channel) ?? 0) + 1;
    works.set(channel, work);
    return (event) => {
      if (mine !== life || works.get(channel) !== work) return;
      dispatch(channel === 0 ? event : ({ type: 'helper', channel, event } as UplinkEvent));
    };
  };

  const perform = (effect: Effect): void => {
    const mine = life;
    switch (effect.type) {
      case 'hello':
        sayHello(effect.request, tellerOf(0));
        return;
      case 'take-epoch': {
        const tell = tellerOf(0);
        later(0.3, () => {
          if (mine !== life) return;
          epochs += 1;
          disk = {
            ...disk,
            epoch: uuid('a000', epochs),
            parentEpoch: disk.epoch,
            generation: 1,
            pushSeqs: [0, 0, 0, 0],
          };
          life.numbers.splice(0);
          tell({ type: 'epoch-taken' });
        });
        return;
      }
      case 'load-batch': {
        const tell = tellerOf(effect.request.channel);
        later(0.2, () => {
          if (mine !== life) return;
          const batch = load(effect.request);
          tell(batch === null ? { type: 'nothing-loaded' } : { type: 'batch-loaded', batch });
        });
        return;
      }
      case 'push':
        log.push({ at: now, push: effect.push });
        travel(effect.push, tellerOf(effect.push.channel));
        return;
      case 'deliver': {
        const tell = tellerOf(effect.channel);
        // A crash before this moment loses the acknowledgement; after it, nothing.
        later(0.3, () => {
          if (mine !== life) return;
          deliver(effect.delivery);
          tell({ type: 'stored' });
        });
        return;
      }
      case 'release':
        claims.delete(effect.channel);
        return;
      case 'reset-link':
        resets += 1;
        return;
      case 'compare':
        compare();
        return;
      case 'schedule': {
        const turn = (timers.get(effect.timer) ?? 0) + 1;
        timers.set(effect.timer, turn);
        const { timer } = effect;
        later(effect.delayMs, () => mine === life && timers.get(timer) === turn && dispatch({ type: timer }));
        return;
      }
      case 'report':
        facts = effect.facts;
        return;
      case 'count-attempt':
        return;
    }
  };

  const waits = (each: OutboxChange): boolean => !disk.parked.has(each.seq);

  const load = (request: BatchRequest): Batch | null => {
    claims.delete(request.channel);
    const claimed = new Set([...claims.values()].flatMap((keys) => [...keys]));
    const open = disk.outbox.filter(
      (each) =>
        waits(each) &&
        !claimed.has(each.entityId) &&
        (request.only?.some(({ entityId }) => entityId === each.entityId) ?? true),
    );
    const stream = request.streams.find((name) => open.some((each) => each.stream === name)) ?? request.streams[0];
    const ofStream = open.filter((each) => each.stream === stream);
    const picker = createBatchPicker<OutboxChange>(request);
    for (const each of ofStream.toReversed()) picker.offer(each);
    const changes = [...picker.picked];
    if ((changes.length === 0 && !request.heartbeat) || stream === undefined) return null;
    claims.set(request.channel, new Set(changes.map(({ entityId }) => entityId)));
    const lowWaterSeq = Math.min(disk.written.length + 1, ...disk.outbox.map(({ seq }) => seq)) - 1;
    const pushSeq = takeNumber(request.channel, request.pushSeqAbove);
    const more = new Set(ofStream.map(({ entityId }) => entityId)).size > changes.length;
    return { channel: request.channel, stream, epoch: disk.epoch, pushSeq, lowWaterSeq, changes, more };
  };

  const takeNumber = (channel: number, above: number): number => {
    life.numbers[channel] ??= { next: 1, reserved: 0 };
    const numbers = life.numbers[channel];
    if (numbers.next > numbers.reserved || numbers.next <= above) {
      numbers.next = Math.max(disk.pushSeqs[channel] ?? 0, above) + 1;
      numbers.reserved = numbers.next + pushSeqBlock - 1;
      disk = { ...disk, pushSeqs: disk.pushSeqs.map((each, i) => (i === channel ? numbers.reserved : each)) };
    }
    return numbers.next++;
  };

  const deliver = (delivery: Delivery): void => {
    let { outbox } = disk;
    const parked = new Map(disk.parked);
    for (const { change: ref } of delivery.done) {
      law(isOnCore(core, ref), 'I2: acknowledged is on the Core');
      outbox = outbox.filter((each) => each.entityId !== ref.entityId || each.version > ref.version);
    }
    for (const { change: ref } of delivery.parked) {
      const row = outbox.find(({ seq }) => seq === ref.seq);
      if (row) parked.set(row.seq, row);
    }
    for (const seq of parked.keys()) if (!outbox.some((each) => each.seq === seq)) parked.delete(seq);
    disk = {
      ...disk,
      outbox,
      parked,
      lastAckAt: delivery.at,
      ackedSeq: Math.max(disk.ackedSeq, delivery.ackedSeq),
    };
  };

  const write = (entityNumber: number, version: number): void => {
    const row = change(disk.written.length + 1, entityNumber, version, streamOf(entityNumber));
    disk = { ...disk, written: [...disk.written, row], outbox: [...disk.outbox, row] };
  };
  const newestVersions = (): ReadonlyMap<number, number> => {
    const newest = new Map<number, number>();
    for (const each of disk.written)
      newest.set(numberOf(each), Math.max(newest.get(numberOf(each)) ?? 0, each.version));
    return newest;
  };

  let comparingBy: Life | null = null;
  /** The comparer's rule in one line: what the Core has not, is queued again. */
  const compare = (): void => {
    law(comparingBy !== life, 'one comparison at a time');
    law(
      disk.outbox.every((each) => !waits(each) || laneOf(each.stream) === 3),
      'a comparison begins when lanes 0 to 2 are empty',
    );
    comparingBy = life;
    comparisons += 1;
    const mine = life;
    later(5, () => {
      if (mine !== life) return;
      comparingBy = null;
      if (random() < 0.2) {
        dispatch({ type: 'compare-failed', detail: '' });
        return;
      }
      let repaired = 0;
      for (const [entityNumber, version] of newestVersions()) {
        const newest = disk.written.findLast((each) => numberOf(each) === entityNumber && each.version === version);
        if (newest === undefined || isOnCore(core, newest) || disk.outbox.includes(newest)) continue;
        write(entityNumber, version);
        repaired += 1;
      }
      dispatch({ type: 'compared', repaired });
    });
  };

  const identity = (): DiskIdentity => ({
    epoch: disk.epoch,
    parentEpoch: disk.parentEpoch,
    generation: disk.generation,
    instanceId: life.instanceId,
    lastSeq: disk.written.length,
    ackedSeq: disk.ackedSeq,
  });

  const sayHello = (request: HelloRequest, tell: (event: LeadEvent) => void): void => {
    hellos += 1;
    const said = identity();
    const arrive = (): HelloOutcome => core.hello(said, request, now);
    const hear = (outcome: HelloOutcome): void =>
      tell(outcome.type === 'hello-answered' ? { ...outcome, disk: said } : outcome);
    cross<HelloOutcome>(arrive, hear);
  };

  const travel = (push: Push, tell: (event: LeadEvent) => void): void =>
    cross<PushOutcome>(() => core.receive(push, disk.written, now), tell, push);

  /** One request and its answer over a link that fails as it is told. */
  const cross = <Outcome extends PushOutcome | HelloOutcome>(
    arrive: () => Outcome,
    hear: (outcome: Outcome | Exclude<PushOutcome, { type: 'acked' }>) => void,
    push?: Push,
  ): void => {
    const delayMs = 1 + random() * 20;
    const roundTrip = (onWayBack: (outcome: Outcome) => Parameters<typeof hear>[0]): void =>
      later(delayMs, () => {
        const outcome = onWayBack(arrive());
        later(delayMs, () => hear(outcome));
      });
    const refusedWith = (code: 'UNAVAILABLE' | 'INTERNAL' | 'SIG_REPLAY'): void =>
      later(delayMs, () => hear({ type: 'refused', code, detail: '' }));
    switch (fault()) {
      case 'lost':
        later(delayMs, () => hear({ type: 'network-failed', mayHaveArrived: false, detail: '' }));
        return;
      case 'unavailable':
        refusedWith('UNAVAILABLE');
        return;
      case 'broken':
        refusedWith('INTERNAL');
        return;
      case 'replay':
        refusedWith('SIG_REPLAY');
        return;
      case 'stale-seq':
        if (push) core.raiseNumbers(push, 5);
        roundTrip((outcome) => outcome);
        return;
      case 'ack-lost':
        roundTrip(() => ({ type: 'network-failed', mayHaveArrived: true, detail: '' }));
        return;
      case 'garbled':
        roundTrip((outcome) =>
          outcome.type === 'acked' ? { ...outcome, ack: { ...outcome.ack, results: [] } } : outcome,
        );
        return;
      case 'timeout':
        // Arrives long after the sender gave up: an old batch behind newer ones.
        later(delayMs + random() * 60_000, arrive);
        later(15_000, () => hear({ type: 'timeout' }));
        return;
      case 'silent':
        // A half-open connection without even a time limit: only the watchdog ends it.
        later(delayMs + random() * 100_000, () => hear(arrive()));
        return;
      case 'wedged':
        // Nothing ever comes back: without the watchdog the channel would wait for ever.
        return;
      case 'twice':
        later(delayMs + random() * 5_000, arrive);
        roundTrip((outcome) => outcome);
        return;
      case 'none':
        roundTrip((outcome) => outcome);
        return;
    }
  };

  /** A new process on this disk: only what was stored is known. */
  const begin = (): void => {
    lives += 1;
    life = { instanceId: uuid('b000', lives), numbers: [] };
    disk = { ...disk, generation: disk.generation + 1 };
    claims.clear();
    state = initialUplink(stored());
    dispatch({ type: 'start' });
  };

  return {
    core,
    start: begin,
    /** kill -9 and a new start. */
    crash: begin,
    write(entityNumber: number, ring: boolean): void {
      write(entityNumber, (newestVersions().get(entityNumber) ?? 0) + 1);
      if (ring) dispatch({ type: 'doorbell' });
    },
    /** A backlog at once: each entity is new. */
    writeAll(entityNumbers: readonly number[]): void {
      const rows = entityNumbers.map((n, i) => change(disk.written.length + 1 + i, n, 1, streamOf(n)));
      disk = { ...disk, written: [...disk.written, ...rows], outbox: [...disk.outbox, ...rows] };
    },
    /** The disk as it is now; `restoreDisk` puts it back, and a new process starts on it. */
    backUpDisk: (): Disk => disk,
    restoreDisk(copy: Disk): void {
      disk = copy;
      begin();
    },
    setFaults(next: () => Fault): void {
      fault = next;
    },
    /** Lets time pass. */
    run(durationMs: number): void {
      const end = now + durationMs;
      while (true) {
        const next = takeNext(plan, end);
        if (next === null) break;
        now = next.at;
        next.run();
      }
      now = end;
    },
    get books() {
      const { written, outbox, parked, epoch } = disk;
      const { rows, effects: effectsOnCore } = core;
      const pushes = log.length;
      return {
        now,
        written,
        outbox,
        parked,
        epoch,
        rows,
        effectsOnCore,
        state,
        facts,
        log,
        pushes,
        hellos,
        comparisons,
        resets,
      };
    },
  };
}

function takeNext<T extends { readonly at: number; readonly order: number }>(plan: T[], end: number): T | null {
  let best = -1;
  for (const [i, each] of plan.entries()) {
    const first = plan[best];
    if (each.at <= end && (!first || each.at < first.at || (each.at === first.at && each.order < first.order)))
      best = i;
  }
  return best < 0 ? null : (plan.splice(best, 1)[0] ?? null);
}
