import { canonicalJson } from '@sgp/shared/canonical-json';
import { createBatchPicker } from '@sgp/sync-engine/batch';
import { decideBatch, type InboxRow } from '@sgp/sync-engine/inbox';
import type { Batch, BatchRequest, Delivery, LinkFacts, OutboxChange, Push, PushOutcome } from '@sgp/sync-engine/ports';
import { uplink } from '@sgp/sync-engine/uplink';
import { type Effect, initialUplink, type UplinkEvent } from '@sgp/sync-engine/uplink-state';
import { change, epoch } from './support.ts';

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
  | 'garbled';
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
];

export type World = ReturnType<typeof createWorld>;

const pushSeqBlock = 10;

export function createWorld(options: {
  readonly random: () => number;
  readonly isPoison: (entityNumber: number) => boolean;
}) {
  const { random } = options;
  let now = 1_000_000;
  let order = 0;
  type Planned = { readonly at: number; readonly order: number; readonly run: () => void };
  const plan: Planned[] = [];
  const later = (delayMs: number, run: () => void): void => {
    plan.push({ at: now + delayMs, order: order++, run });
  };

  // The edge's disk.
  const written: OutboxChange[] = [];
  let outbox: OutboxChange[] = [];
  const parked = new Map<number, OutboxChange>();
  const stored = { pushSeq: 0, lastAckAt: null as number | null, ackedSeq: 0, offlineSince: null as number | null };
  // The edge's process.
  let life = 0;
  let reserved = 0;
  let nextSeq = 1;
  let state = initialUplink({ ...stored, clockSkewMs: null, blocked: null });
  let timer = 0;
  let facts: LinkFacts | null = null;
  // The Core.
  const rows = new Map<string, InboxRow & { readonly payload: string }>();
  const answers = new Map<number, { readonly text: string; readonly outcome: PushOutcome }>();
  const effectsOnCore = new Map<string, number>();
  let lastPushSeq = 0;
  let fault: () => Fault = () => 'none';
  let pushes = 0;

  const law = (holds: boolean, text: string): void => {
    if (!holds) throw new Error(`broken law: ${text}`);
  };

  const dispatch = (event: UplinkEvent): void => {
    const [next, effects] = uplink(state, event, { now, random: random() });
    state = next;
    for (const effect of effects) perform(effect);
  };
  /** What comes back after a crash comes back to nobody. */
  const reply = (delayMs: number, event: () => UplinkEvent): void => {
    const mine = life;
    later(delayMs, () => mine === life && dispatch(event()));
  };

  const perform = (effect: Effect): void => {
    switch (effect.type) {
      case 'load-batch':
        return void reply(0.2, () => {
          const batch = load(effect.request);
          return batch === null ? { type: 'nothing-loaded' } : { type: 'batch-loaded', batch };
        });
      case 'push':
        return void travel(effect.push);
      case 'deliver': {
        const mine = life;
        // A crash before this moment loses the acknowledgement; after it, nothing.
        return void later(0.3, () => {
          if (mine !== life) return;
          deliver(effect.delivery);
          dispatch({ type: 'stored' });
        });
      }
      case 'schedule': {
        const mine = ++timer;
        return void later(effect.delayMs, () => mine === timer && dispatch({ type: effect.timer }));
      }
      case 'report':
        facts = effect.facts;
        return;
      case 'count-attempt':
        return;
    }
  };

  const load = (request: BatchRequest): Batch | null => {
    const lowWaterSeq = Math.min(written.length + 1, ...outbox.map(({ seq }) => seq)) - 1;
    const picker = createBatchPicker<OutboxChange>(request);
    if (request.only?.length !== 0)
      for (const each of outbox.toReversed())
        if (!parked.has(each.seq) && (request.only?.some(({ entityId }) => entityId === each.entityId) ?? true))
          picker.offer(each);
    if (picker.picked.length === 0 && !request.heartbeat) return null;
    if (nextSeq > reserved || nextSeq <= request.pushSeqAbove) {
      nextSeq = Math.max(stored.pushSeq, request.pushSeqAbove) + 1;
      reserved = nextSeq + pushSeqBlock - 1;
      stored.pushSeq = reserved;
    }
    return { stream: 'orders', epoch, pushSeq: nextSeq++, lowWaterSeq, changes: [...picker.picked] };
  };

  const deliver = (delivery: Delivery): void => {
    for (const { change: ref } of delivery.done) {
      law((rows.get(ref.entityId)?.version ?? 0) >= ref.version, 'I2: acknowledged is on the Core');
      outbox = outbox.filter((each) => each.entityId !== ref.entityId || each.version > ref.version);
    }
    for (const { change: ref } of delivery.parked) {
      const row = outbox.find(({ seq }) => seq === ref.seq);
      if (row) parked.set(row.seq, row);
    }
    for (const seq of parked.keys()) if (!outbox.some((each) => each.seq === seq)) parked.delete(seq);
    stored.lastAckAt = delivery.at;
    stored.ackedSeq = Math.max(stored.ackedSeq, delivery.ackedSeq);
  };

  const travel = (push: Push): void => {
    pushes += 1;
    const happening = fault();
    const delayMs = 1 + random() * 20;
    const mayArrive = { type: 'network-failed', mayHaveArrived: true, detail: '' } as const;
    const refusedWith = (code: 'UNAVAILABLE' | 'INTERNAL' | 'SIG_REPLAY') =>
      ({ type: 'refused', code, detail: '' }) as const;
    switch (happening) {
      case 'lost':
        return void reply(delayMs, () => ({ type: 'network-failed', mayHaveArrived: false, detail: '' }));
      case 'unavailable':
        return void reply(delayMs, () => refusedWith('UNAVAILABLE'));
      case 'broken':
        return void reply(delayMs, () => refusedWith('INTERNAL'));
      case 'replay':
        return void reply(delayMs, () => refusedWith('SIG_REPLAY'));
      case 'stale-seq':
        lastPushSeq += 5;
        return void arrive(push, delayMs, (outcome) => outcome);
      case 'ack-lost':
        return void arrive(push, delayMs, () => mayArrive);
      case 'garbled':
        return void arrive(push, delayMs, (outcome) =>
          outcome.type === 'acked' ? { ...outcome, ack: { ...outcome.ack, results: [] } } : outcome,
        );
      case 'timeout':
        // Arrives long after the sender gave up: an old batch behind newer ones.
        later(delayMs + random() * 60_000, () => receive(push));
        return void reply(15_000, () => ({ type: 'timeout' }));
      case 'twice':
        later(delayMs + random() * 5_000, () => receive(push));
        return void arrive(push, delayMs, (outcome) => outcome);
      case 'none':
        return void arrive(push, delayMs, (outcome) => outcome);
    }
  };

  const arrive = (push: Push, delayMs: number, onWayBack: (outcome: PushOutcome) => PushOutcome): void => {
    const mine = life;
    later(delayMs, () => {
      const outcome = onWayBack(receive(push));
      later(delayMs, () => mine === life && dispatch(outcome));
    });
  };

  /** The Core: idempotency key, push number, poison, one transaction, acknowledgement. */
  const receive = (push: Push): PushOutcome => {
    const { attempt: _, signOffsetMs: __, ...sent } = push;
    const text = canonicalJson(sent as never);
    const known = answers.get(push.pushSeq);
    if (known) {
      law(known.text === text, 'I5: one push number, one content');
      return known.outcome;
    }
    if (push.pushSeq <= lastPushSeq) return { type: 'refused', code: 'SEQ_STALE', detail: '', lastPushSeq };
    const ids = new Set(push.changes.map(({ entityId }) => entityId));
    law(ids.size === push.changes.length, 'I4: an entity is in a batch once');
    for (const each of written)
      if (each.seq <= push.lowWaterSeq)
        law((rows.get(each.entityId)?.version ?? 0) >= each.version, 'I9: at or below lowWaterSeq nothing is open');
    if (push.changes.some((each) => options.isPoison(numberOf(each))))
      return { type: 'refused', code: 'BODY_INVALID', detail: 'poison' };
    lastPushSeq = push.pushSeq;
    const { decisions, written: applied } = decideBatch(push.changes, ({ entityId }) => rows.get(entityId) ?? null);
    for (const [, each] of applied) {
      rows.set(each.entityId, each);
      effectsOnCore.set(each.id, (effectsOnCore.get(each.id) ?? 0) + 1);
    }
    const results = push.changes.map(({ seq, id }) => ({ seq, id, outcome: decisions.get(seq)?.outcome ?? 'parked' }));
    const ack = { epoch, pushSeq: push.pushSeq, ackedSeq: push.lowWaterSeq, committedAtMs: now, results };
    const outcome: PushOutcome = { type: 'acked', ack, bytes: 1 };
    answers.set(push.pushSeq, { text, outcome });
    return outcome;
  };

  return {
    start: () => dispatch({ type: 'start' }),
    write(entityNumber: number, ring: boolean): void {
      const version = written.filter((each) => numberOf(each) === entityNumber).length + 1;
      const row = change(written.length + 1, entityNumber, version);
      written.push(row);
      outbox.push(row);
      if (ring) dispatch({ type: 'doorbell' });
    },
    /** kill -9 and a new start: only what was stored is known. */
    crash(): void {
      life += 1;
      timer += 1;
      nextSeq = 1;
      reserved = 0;
      state = initialUplink({ ...stored, clockSkewMs: null, blocked: null });
      dispatch({ type: 'start' });
    },
    setFaults(next: () => Fault): void {
      fault = next;
    },
    /** Lets time pass. */
    run(durationMs: number): void {
      const end = now + durationMs;
      while (true) {
        plan.sort((a, b) => a.at - b.at || a.order - b.order);
        const [next] = plan;
        if (next === undefined || next.at > end) break;
        plan.shift();
        now = next.at;
        next.run();
      }
      now = end;
    },
    get books() {
      return { written, outbox, parked, rows, effectsOnCore, state, facts, pushes };
    },
  };
}

export const numberOf = ({ entityId }: { readonly entityId: string }): number => Number(entityId.slice(-12));
