import type { Json } from '@sgp/shared/canonical-json';
import type { StreamName } from '@sgp/shared/sync';
import { createBatchPicker } from '@sgp/sync-engine/batch';
import { laneOf } from '@sgp/sync-engine/lanes';
import type { Batch, BatchRequest, DiskIdentity, OutboxChange, Push, PushOutcome } from '@sgp/sync-engine/ports';
import { uplink } from '@sgp/sync-engine/uplink';
import {
  type Effect,
  initialUplink,
  type LeadEvent,
  type UplinkEvent,
  type UplinkState,
} from '@sgp/sync-engine/uplink-state';
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
import type { Books } from './laws.ts';
import type { CrashAt } from './plan.ts';
import { idOf, type Random } from './random.ts';
import { law, type Mutant } from './rules.ts';
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
};
export type Edge = ReturnType<typeof createEdge>;

/** Small batches, so that a small backlog keeps every channel busy. */
const batchMaxChanges = 4;
const pushSeqBlock = 10;

/** One shop: its disk, and the process on it that runs the real uplink. */
export function createEdge(deps: EdgeDeps) {
  const { number, time, random, wire, core, books, mutant, newId } = deps;
  const node = String(number).padStart(12, 'a');
  let histories = number * 1000;
  let disk = newEdgeDisk(newId(), histories);
  let life: { readonly instanceId: string; readonly numbers: Map<number, { next: number; reserved: number }> } | null =
    null;
  let state: UplinkState = initialUplink({
    lastAckAt: null,
    offlineSince: null,
    clockSkewMs: null,
    ackedSeq: 0,
    blocked: null,
  });
  let crash: { readonly at: CrashAt; readonly downMs: number } | null = null;
  let written = 0;
  const timers = new Map<string, number>();
  const works = new Map<number, number>();
  const claims = new Map<number, ReadonlySet<string>>();

  const begin = (): void => {
    life = { instanceId: newId(), numbers: new Map() };
    disk.generation += 1;
    claims.clear();
    state = initialUplink({
      lastAckAt: disk.lastAckAt,
      offlineSince: null,
      clockSkewMs: null,
      ackedSeq: disk.ackedSeq,
      blocked: null,
    });
    dispatch({ type: 'start' });
  };
  const die = (downMs: number): void => {
    life = null;
    const restart = ++starts;
    time.later(downMs, () => restart === starts && begin());
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
    const [next, effects] = uplink(state, event, { now: time.now, random: random.next() });
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
      dispatch(channel === 0 ? event : ({ type: 'helper', channel, event } as UplinkEvent));
    };
  };
  /** A transaction of a channel, and what it tells if the process lived to hear of it. */
  const store = (channel: number, work: (draft: EdgeDisk) => LeadEvent): void => {
    const tell = tellerOf(channel);
    const mine = life;
    time.later(0.3, () => {
      if (mine !== life) return;
      let event: LeadEvent = { type: 'stored' };
      commit((draft) => {
        event = work(draft);
      });
      tell(event);
    });
  };

  const perform = (effect: Effect): void => {
    const mine = life;
    switch (effect.type) {
      case 'hello': {
        const tell = tellerOf(0);
        const said = identity();
        wire.send(
          () => core.hello(number, said, effect.request),
          (outcome) => tell(outcome.type === 'hello-answered' ? { ...outcome, disk: said } : outcome),
        );
        return;
      }
      case 'take-epoch':
        store(0, (draft) => {
          if (mutant !== 'same-epoch-after-restore') beginEpoch(draft, newId());
          life?.numbers.clear();
          return { type: 'epoch-taken' };
        });
        return;
      case 'load-batch':
        store(effect.request.channel, (draft) => load(draft, effect.request));
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
        claims.delete(effect.channel);
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
        time.later(effect.delayMs, () => mine === life && timers.get(timer) === turn && dispatch({ type: timer }));
        return;
      }
      case 'reset-link':
      case 'report':
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
    wire.send<PushOutcome>(
      () => core.receive(number, push),
      (outcome) => tell(outcome),
    );
  };
  const compareDeps = (mine: typeof life) => ({
    mutant,
    newId,
    disk: () => disk,
    coreRow: (key: string) => core.disk.rows.get(`${number}/${key}`),
    ask: (question: Parameters<Core['digest']>[1], back: (answer: ReturnType<Core['digest']>) => void) =>
      wire.send(
        () => core.digest(number, question),
        (outcome) => mine === life && back('level' in outcome ? outcome : null),
      ),
    commit: (work: (draft: EdgeDisk) => void) => mine === life && commit(work),
    listed: books.listed,
    writeAnew: (draft: EdgeDisk, key: string, above: number) => {
      const [stream, entityId] = key.split('/') as [StreamName, string];
      write(draft, { stream, entityId, version: above + 1, poison: null });
    },
  });

  const forgotten = (stream: StreamName): boolean =>
    (mutant === 'lane-3-forgotten' && laneOf(stream) === 3) || (mutant === 'lane-2-forgotten' && laneOf(stream) === 2);

  const load = (draft: EdgeDisk, request: BatchRequest): LeadEvent => {
    claims.delete(request.channel);
    const claimed = new Set([...claims.values()].flatMap((keys) => [...keys]));
    const open = [...draft.outbox.values()].filter(
      (row) =>
        row.parked === null &&
        !forgotten(row.stream) &&
        !claimed.has(row.entityId) &&
        (request.only?.some(({ entityId }) => entityId === row.entityId) ?? true),
    );
    const stream =
      request.streams.find((name) => open.some((row) => row.stream === name)) ?? request.streams[0] ?? 'orders';
    const ofStream = open.filter((row) => row.stream === stream);
    const picker = createBatchPicker<OutboxChange>({
      ...request,
      maxChanges: Math.min(request.maxChanges, batchMaxChanges),
    });
    if (request.only?.length !== 0) for (const { parked: _, ...row } of ofStream.toReversed()) picker.offer(row);
    const changes = [...picker.picked];
    if (changes.length === 0 && !request.heartbeat) return { type: 'nothing-loaded' };
    claims.set(request.channel, new Set(changes.map(({ entityId }) => entityId)));
    const lowest = Math.min(draft.lastSeq + 1, ...draft.outbox.keys());
    const lowWaterSeq = mutant === 'low-water-too-high' ? draft.lastSeq : lowest - 1;
    law(![...draft.outbox.keys()].some((seq) => seq <= lowWaterSeq), 'at or below lowWaterSeq nothing is open');
    const more = new Set(ofStream.map(({ entityId }) => entityId)).size > changes.length;
    const pushSeq = takeNumber(draft, request);
    const batch: Batch = { channel: request.channel, stream, epoch: draft.epoch, pushSeq, lowWaterSeq, changes, more };
    return { type: 'batch-loaded', batch };
  };

  const takeNumber = (draft: EdgeDisk, { channel, pushSeqAbove }: BatchRequest): number => {
    const numbers = life?.numbers.get(channel) ?? { next: 1, reserved: 0 };
    life?.numbers.set(channel, numbers);
    if (numbers.next > numbers.reserved || numbers.next <= pushSeqAbove) {
      numbers.next = Math.max(draft.pushSeqs[channel] ?? 0, pushSeqAbove) + 1;
      numbers.reserved = numbers.next + pushSeqBlock - 1;
      if (mutant !== 'push-number-reused')
        draft.pushSeqs = draft.pushSeqs.map((each, i) => (i === channel ? numbers.reserved : each));
    }
    return numbers.next++;
  };

  type Write = {
    readonly stream: StreamName;
    readonly entityId: string;
    readonly version?: number;
    readonly poison: 'breaks' | 'parks' | null;
  };
  const write = (draft: EdgeDisk, { stream, entityId, version, poison }: Write) => {
    const before = draft.entities.get(`${stream}/${entityId}`);
    written += 1;
    const payload: Json = { entityId, written, ...(poison && { poison }) };
    const next = version ?? (before?.version ?? 0) + 1;
    const entity = say(
      draft,
      { id: newId(), stream, entityId, version: next, updatedAt: tick(draft, time.now, node), payload },
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
      if (life !== null) dispatch({ type: 'doorbell' });
    },
    crash(at: CrashAt, downMs: number): void {
      if (at === 'now') die(downMs);
      else crash = { at, downMs };
    },
    backUp: (): EdgeDisk => copyEdgeDisk(disk),
    restore(copy: EdgeDisk): void {
      histories += 1;
      disk = copyEdgeDisk(copy, histories);
      die(1_000);
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
