import type { Json } from '@sgp/shared/canonical-json';
import { limits } from '@sgp/shared/limits';
import type { StreamName, SyncState } from '@sgp/shared/sync';
import type { DiskIdentity, HelloOutcome, Push, PushOutcome } from '@sgp/sync-engine/ports';
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
  contentKey,
  copyEdgeDisk,
  deliver,
  type EdgeDisk,
  enqueue,
  newEdgeDisk,
  say,
  tick,
} from './edge-disk.ts';
import { createQueue, type Queue } from './edge-queue.ts';
import { createScreen, type Screen, screenEveryMs } from './edge-screen.ts';
import type { Books } from './laws.ts';
import type { CrashAt } from './plan.ts';
import { idOf, type Random } from './random.ts';
import type { Mutant } from './rules.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Silence, Wire } from './wire.ts';

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
  const machine = newId();
  let disk = deps.copyOf ? copyEdgeDisk(deps.copyOf, newHistory()) : newEdgeDisk(newId(), newHistory());
  let life: Life | null = null;
  let state: UplinkState = initialUplink(storedOn(disk));
  let crash: { readonly at: CrashAt; readonly downMs: number } | null = null;
  let isOff = false;
  const timers = new Map<string, number>();
  const works = new Map<number, number>();

  const begin = (): void => {
    const screen = createScreen({ books, mutant, wall: clock.wall, trueTime: () => time.now });
    const mine = { instanceId: newId(), queue: createQueue(mutant), screen };
    life = mine;
    books.lives(number, machine, true);
    disk.generation += 1;
    state = initialUplink(storedOn(disk));
    dispatch({ type: 'start' });
    repeatStatus(mine);
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
    const armed = crash;
    const before = armed?.at === 'before-commit' ? copyEdgeDisk(disk) : null;
    work(disk);
    if (armed === null) return true;
    crash = null;
    if (before !== null) disk = before;
    die(armed.downMs);
    return before === null;
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
      let event: LeadEvent = { type: 'stored' };
      commit((draft) => {
        event = work(draft);
      });
      tell(event);
    };
    time.later(0.3, () => clock.awake(run));
  };
  /** A signed call; it always ends within its time limit, which a process that hung finds passed when it goes on. */
  const call = <Answer>(
    signOffsetMs: number,
    receive: (createdMs: number) => Answer | null,
    back: (outcome: Answer | Silence) => void,
  ): void => {
    const sentAt = time.now;
    const createdMs = clock.wall() + (mutant === 'core-time-ignored' ? 0 : signOffsetMs);
    wire.send(
      () => receive(createdMs),
      (outcome) => {
        const isLate = clock.awakeAtMs > time.now && clock.awakeAtMs - sentAt > limits.syncRequestTimeoutMs;
        clock.awake(() => back(isLate ? { type: 'timeout' } : outcome));
      },
    );
  };

  const perform = (effect: Effect): void => {
    const mine = life;
    switch (effect.type) {
      case 'hello': {
        const tell = tellerOf(0);
        const said = identity();
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

  const identity = (): DiskIdentity => ({
    epoch: disk.epoch,
    parentEpoch: disk.parentEpoch,
    generation: disk.generation,
    instanceId: life?.instanceId ?? '',
    lastSeq: disk.lastSeq,
    ackedSeq: disk.ackedSeq,
  });
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
      write(draft, { stream, entityId, version: above + 1, poison: null });
    },
  });

  type Write = {
    readonly stream: StreamName;
    readonly entityId: string;
    readonly version?: number;
    readonly poison: 'breaks' | 'parks' | null;
  };
  const write = (draft: EdgeDisk, { stream, entityId, version, poison }: Write) => {
    const before = draft.entities.get(`${stream}/${entityId}`);
    const payload: Json = { entityId, written: newId(), ...(poison && { poison }) };
    const next = version ?? (before?.version ?? 0) + 1;
    const entity = say(
      draft,
      { id: newId(), stream, entityId, version: next, updatedAt: tick(draft, clock.wall(), node, mutant), payload },
      mutant,
    );
    books.wrote(contentKey(entity), before ? contentKey(before) : null);
    if (mutant !== 'outbox-outside') enqueue(draft, entity, newId());
    return entity;
  };

  return {
    start: begin,
    write(stream: StreamName, entity: number | null, poison: boolean): void {
      const entityId = entity === null ? newId() : idOf(stream === 'orders' ? 1 : 2, number * 100 + entity);
      const kind = poison ? random.pick(['breaks', 'parks'] as const) : null;
      let said: ReturnType<typeof write> | null = null;
      const lived = commit((draft) => {
        said = write(draft, { stream, entityId, poison: kind });
      });
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
      if (life === null) die(0);
    },
    get disk(): EdgeDisk {
      return disk;
    },
  };
}

const storedOn = ({ lastAckAt, ackedSeq }: EdgeDisk): Parameters<typeof initialUplink>[0] => ({
  ...{ lastAckAt, offlineSince: null, clockSkewMs: null, ackedSeq, blocked: null },
});
