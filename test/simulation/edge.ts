import type { StreamName, SyncState } from '@sgp/shared/sync';
import type { HelloOutcome, Push, PushOutcome } from '@sgp/sync-engine/ports';
import { uplink } from '@sgp/sync-engine/uplink';
import {
  type Effect,
  factsOf,
  initialUplink,
  type LeadEvent,
  type UplinkEvent,
  type UplinkState,
} from '@sgp/sync-engine/uplink-state';
import { createProcessClock } from './clock.ts';
import type { Core } from './core.ts';
import { runCompare } from './edge-compare.ts';
import {
  beginEpoch,
  copyEdgeDisk,
  deliver,
  type EdgeDisk,
  enqueue,
  identityOf,
  newEdgeDisk,
  type QueuedChange,
  type SyncEntity,
  storedOn,
} from './edge-disk.ts';
import { createSignedLine } from './edge-line.ts';
import { createQueue, type Queue } from './edge-queue.ts';
import { createScreen, type Screen, screenEveryMs } from './edge-screen.ts';
import { type Room, shedEveryMs, shedOnce } from './edge-shed.ts';
import { createWriter } from './edge-write.ts';
import type { Books } from './laws.ts';
import type { CrashAt } from './plan.ts';
import { idOf, type Random } from './random.ts';
import type { Mutant } from './rules.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Wire } from './wire.ts';

export type EdgeDeps = {
  readonly number: number;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly wire: Wire;
  readonly core: Core;
  readonly books: Books;
  readonly mutant: Mutant | null;
  /** Never the same twice in a run. */
  readonly newId: () => string;
  /** For the oracle: each disk, and each copy of one, has a history of its own. */
  readonly newHistory: () => number;
  /** The disk that this machine is given; null: a new one. */
  readonly copyOf: EdgeDisk | null;
};
export type Edge = ReturnType<typeof createEdge>;
/** One start of the process: what it holds in memory. */
type Life = { readonly instanceId: string; readonly queue: Queue; readonly screen: Screen };

/** One machine of a shop: its disk, and the process on it that runs the real uplink. */
export function createEdge(deps: EdgeDeps) {
  const { number, time, random, wire, core, books, mutant, newId, newHistory } = deps;
  const node = String(number).padStart(12, 'a');
  const clock = createProcessClock(time);
  const { call } = createSignedLine({ time, clock, wire, mutant });
  const write = createWriter({ node, wall: clock.wall, books, mutant, newId });
  const machine = newId();
  let disk = deps.copyOf ? copyEdgeDisk(deps.copyOf, newHistory()) : newEdgeDisk(newId(), newHistory());
  let life: Life | null = null;
  let state: UplinkState = initialUplink(storedOn(disk));
  let crash: { readonly at: CrashAt; readonly downMs: number } | null = null;
  let isOff = false;
  let room: Room = 'free';
  let version: 1 | 2 = 2;
  const timers = new Map<string, number>();
  const works = new Map<number, number>();

  const begin = (): void => {
    // A start stores its generation first; one that cannot is tried again.
    if (room === 'full') {
      die(5_000);
      return;
    }
    const screen = createScreen({ books, mutant, wall: clock.wall, trueTime: () => time.now });
    const mine = { instanceId: newId(), queue: createQueue(mutant), screen };
    life = mine;
    books.lives(number, machine, true);
    disk.generation += 1;
    state = initialUplink(storedOn(disk));
    dispatch({ type: 'start' });
    repeatStatus(mine);
    time.later(shedEveryMs, () => clock.awake(() => lookAtDisk(mine)));
  };
  const lookAtDisk = (mine: Life): void => {
    if (mine !== life) return;
    let dropped: readonly QueuedChange[] = [];
    const stored = commit((draft) => {
      dropped = shedOnce(draft, room, mutant);
    });
    if (stored) for (const row of dropped) books.shed(number, row, disk);
    time.later(shedEveryMs, () => clock.awake(() => lookAtDisk(mine)));
  };
  const repeatStatus = (mine: Life): void => {
    if (mine !== life) return;
    show();
    time.later(screenEveryMs, () => clock.awake(() => repeatStatus(mine)));
  };
  const show = (): SyncState => life?.screen.show(disk, factsOf(state.memory)) ?? 'unknown';
  const die = (downMs: number): void => {
    life = null;
    books.lives(number, machine, false);
    const restart = ++starts;
    time.later(downMs, () => restart === starts && !isOff && begin());
  };
  let starts = 0;

  /** One transaction: what crashes before its commit never was, a torn write too. */
  const commit = (work: (draft: EdgeDisk) => void): boolean => {
    if (life === null) return false;
    if (room === 'full') {
      refuseWhole(work);
      return false;
    }
    const armed = crash;
    const before = armed?.at === 'before-commit' ? copyEdgeDisk(disk) : null;
    work(disk);
    if (armed === null) return true;
    crash = null;
    if (before !== null) disk = before;
    die(armed.downMs);
    return before === null;
  };

  /** A full disk refuses a transaction as a whole; a deliberate bug keeps the part of it that had room. */
  const refuseWhole = (work: (draft: EdgeDisk) => void): void => {
    if (mutant !== 'half-written-kept') return;
    const draft = copyEdgeDisk(disk);
    work(draft);
    for (const [key, entity] of draft.entities) disk.entities.set(key, entity);
  };

  const dispatch = (event: UplinkEvent): void => {
    const [next, effects] = uplink(state, event, { now: clock.wall(), random: random.next() });
    state = next;
    const mine = life;
    for (const effect of effects) if (mine === life) perform(effect);
  };
  const tellerOf = (channel: number): ((event: LeadEvent) => void) => {
    const mine = life;
    const work = (works.get(channel) ?? 0) + 1;
    works.set(channel, work);
    return (event) => {
      if (mine !== life || works.get(channel) !== work) return;
      if (event.type === 'acked') life?.screen.acknowledged();
      dispatch(channel === 0 ? event : ({ type: 'helper', channel, event } as UplinkEvent));
    };
  };
  /** A transaction of a channel, and what it tells if the process lived to hear of it. */
  const store = (channel: number, work: (draft: EdgeDisk) => LeadEvent): void => {
    const tell = tellerOf(channel);
    const mine = life;
    const run = (): void => {
      if (mine !== life) return;
      let event: LeadEvent = { type: 'storage-failed', code: 'DISK_FULL', detail: '' };
      commit((draft) => {
        event = work(draft);
      });
      tell(event);
    };
    time.later(0.3, () => clock.awake(run));
  };

  const perform = (effect: Effect): void => {
    const mine = life;
    switch (effect.type) {
      case 'hello': {
        const tell = tellerOf(0);
        if (version === 1) {
          time.later(0.3, () => clock.awake(() => tell({ type: 'hello-unsupported' })));
          return;
        }
        const said = identityOf(disk, life?.instanceId ?? '');
        call<HelloOutcome>(
          effect.request.signOffsetMs,
          (createdMs) => core.hello(number, said, effect.request, createdMs),
          (outcome) => tell(outcome.type === 'hello-answered' ? { ...outcome, disk: said } : outcome),
        );
        return;
      }
      case 'take-epoch':
        store(0, (draft) => {
          if (mutant !== 'same-epoch-after-restore') beginEpoch(draft, newId());
          life?.queue.renumber();
          return { type: 'epoch-taken' };
        });
        return;
      case 'load-batch':
        store(effect.request.channel, (draft) => life?.queue.load(draft, effect.request) ?? { type: 'nothing-loaded' });
        return;
      case 'push':
        send(effect.push);
        return;
      case 'deliver':
        store(effect.channel, (draft) => {
          for (const { change } of effect.delivery.done) {
            const row = draft.outbox.get(change.seq);
            if (row?.id === change.id && change.version === row.version) books.acknowledged(row, core.disk, number);
          }
          deliver(draft, effect.delivery, mutant);
          return { type: 'stored' };
        });
        return;
      case 'release':
        life?.queue.release(effect.channel);
        return;
      case 'compare':
        runCompare(compareDeps(mine), (outcome) => {
          if (mine === life) dispatch(outcome);
        });
        return;
      case 'schedule': {
        const turn = (timers.get(effect.timer) ?? 0) + 1;
        const { timer } = effect;
        timers.set(timer, turn);
        const fire = () => mine === life && timers.get(timer) === turn && dispatch({ type: timer });
        time.later(effect.delayMs, () => clock.awake(fire));
        return;
      }
      case 'report':
        show();
        return;
      case 'reset-link':
      case 'count-attempt':
        return;
    }
  };

  const send = (push: Push): void => {
    books.pushed(disk.history, push);
    const tell = tellerOf(push.channel);
    call<PushOutcome>(push.signOffsetMs, (createdMs) => core.receive(number, push, createdMs), tell);
  };
  const compareDeps = (mine: typeof life) => ({
    mutant,
    newId,
    disk: () => disk,
    coreRow: (key: string) => core.disk.rows.get(`${number}/${key}`),
    ask: (question: Parameters<Core['digest']>[1], back: (answer: ReturnType<Core['digest']>) => void) =>
      call(
        state.memory.signOffsetMs,
        (createdMs) => core.digest(number, question, createdMs),
        (outcome) => mine === life && back('level' in outcome ? outcome : null),
      ),
    commit: (work: (draft: EdgeDisk) => void) => mine === life && commit(work),
    listed: books.listed,
    writeAnew: (draft: EdgeDisk, key: string, above: number) => {
      const [stream, entityId] = key.split('/') as [StreamName, string];
      return write(draft, { stream, entityId, version: above + 1, poison: null }) !== null;
    },
  });

  return {
    start: begin,
    write(stream: StreamName, entity: number | null, poison: boolean): void {
      const entityId = entity === null ? newId() : idOf(stream === 'orders' ? 1 : 2, number * 100 + entity);
      const kind = poison ? random.pick(['breaks', 'parks'] as const) : null;
      let said: SyncEntity | null = null;
      const lived = commit((draft) => {
        said = write(draft, { stream, entityId, version: null, poison: kind });
      });
      if (lived) books.accepted(number, { stream, entityId }, said);
      if (lived && said !== null && mutant === 'outbox-outside')
        commit((draft) => enqueue(draft, said as never, newId()));
      const mine = life;
      if (mine !== null) clock.awake(() => mine === life && dispatch({ type: 'doorbell' }));
    },
    crash(at: CrashAt, downMs: number): void {
      if (at === 'now') die(downMs);
      else crash = { at, downMs };
    },
    setClock: clock.set,
    hang: clock.hang,
    /** Another program starts: one of version 1 says no hello. */
    setVersion(next: 1 | 2): void {
      if (next === version) return;
      version = next;
      die(2_000);
    },
    setRoom(next: Room): void {
      room = next;
    },
    status: show,
    backUp: (): EdgeDisk => copyEdgeDisk(disk),
    restore(copy: EdgeDisk): void {
      disk = copyEdgeDisk(copy, newHistory());
      die(1_000);
    },
    /** For good. */
    switchOff(): void {
      isOff = true;
      die(0);
    },
    heal(): void {
      crash = null;
      room = 'free';
      if (life === null || version === 1) die(0);
      version = 2;
    },
    get disk(): EdgeDisk {
      return disk;
    },
  };
}
