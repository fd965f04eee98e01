import { limits } from '@sgp/shared/limits';
import type { PushAck } from '@sgp/shared/sync';
import type { ChangeRef, Delivery, OutboxChange, Push, Refusal } from './ports.ts';
import { refusalKind } from './refusals.ts';
import { type Env, type EventOf, factsOf, type Memory, type StateIn, type Step } from './uplink-state.ts';
import { loadNext, push, wait } from './uplink-steps.ts';

/** What each ending of a push leads to. */

/** INTERNAL this often in a row, with some three seconds of pauses between, puts the batch under suspicion. */
const serverFaultsUntilSuspected = 5;
/** The same push again does not help for ever: what damages it, or remembers its nonce, may go by its bytes. */
const repeatsUntilRenumbered = 5;
const repeatsUntilFailed = 2 * repeatsUntilRenumbered;
const renumberingsMax = 3;
/** A push whose bytes may have arrived is repeated once as it is: the Core then answers from its memory. */
const resendsMax = 1;

export function onAcked({ memory, push: sent }: StateIn<'pushing'>, { ack, bytes }: EventOf<'acked'>, env: Env): Step {
  if (ack.pushSeq !== sent.pushSeq || ack.epoch !== sent.epoch)
    return onNetworkFailed(
      { phase: 'pushing', memory, push: sent },
      { type: 'network-failed', mayHaveArrived: true, detail: 'the acknowledgement is for another push' },
      env,
    );
  const delivery = { ...readAck(memory, sent, ack, env.now), bytes };
  // Position is what counts: an acknowledgement that acknowledges nothing must not spin.
  if (sent.changes.length > 0 && delivery.done.length + delivery.parked.length === 0)
    return onServerFault(memory, sent, 'the acknowledgement names none of the changes', env);
  const [, ...otherSuspects] = memory.suspects;
  const proved: Memory = {
    ...memory,
    lastAckAt: env.now,
    offlineSince: null,
    failures: 0,
    blocked: null,
    clockSkewMs: delivery.clockSkewMs ?? memory.clockSkewMs,
    ackedSeq: Math.max(memory.ackedSeq, ack.ackedSeq),
    batchMaxChanges:
      sent.changes.length > 0
        ? Math.min(limits.syncBatchMaxChanges, memory.batchMaxChanges * 2)
        : memory.batchMaxChanges,
    backoffStep: 0,
    serverFaults: 0,
    renumberings: 0,
    repeats: 0,
    exchanged: true,
    suspects: sent.origin === 'suspects' ? otherSuspects : memory.suspects,
    accused: sent.origin === 'probe' ? null : memory.accused,
  };
  return [{ phase: 'storing', memory: proved }, [{ type: 'deliver', delivery }]];
}

function readAck(memory: Memory, sent: Push, ack: PushAck, now: number): Omit<Delivery, 'bytes'> {
  const sentBySeq = new Map(sent.changes.map((change) => [change.seq, change]));
  const done: Delivery['done'][number][] = [];
  const parked = sent.origin === 'probe' && memory.accused !== null ? [memory.accused] : [];
  for (const { seq, id, outcome, reason } of ack.results) {
    const change = sentBySeq.get(seq);
    if (change?.id !== id) continue;
    if (outcome === 'parked')
      parked.push({
        change: refTo(change),
        reason: reason ?? { code: 'BODY_INVALID', detail: 'the cloud gave no reason' },
      });
    else done.push({ change: refTo(change), outcome });
  }
  // A resend may be answered from memory with the time of the first commit, which says nothing about the clocks now.
  const clockSkewMs = sent.attempt === 1 ? Math.round((sent.sentAt + now) / 2 - ack.committedAtMs) : null;
  return { at: now, done, parked, ackedSeq: ack.ackedSeq, clockSkewMs };
}

const refTo = ({ seq, id, stream, entityId, version }: OutboxChange): ChangeRef => ({
  seq,
  id,
  stream,
  entityId,
  version,
});

export function onNetworkFailed(
  { memory, push: sent }: StateIn<'pushing'>,
  { mayHaveArrived }: EventOf<'network-failed'>,
  env: Env,
): Step {
  const resend = mayHaveArrived && sent.attempt <= resendsMax ? sent : null;
  const lost = outOfReach(withoutStaleProof(memory, sent), env.now);
  return wait(mayHaveArrived && resend === null ? halved(lost, sent) : lost, env, { failed: sent, resend });
}

/** A batch that took too long may be too large for the line: it comes back smaller, under a new number. */
export const onTimeout = ({ memory, push: sent }: StateIn<'pushing'>, _event: EventOf<'timeout'>, env: Env): Step =>
  wait(halved(outOfReach(withoutStaleProof(memory, sent), env.now), sent), env, { failed: sent });

export function onRefused({ memory, push: sent }: StateIn<'pushing'>, refusal: EventOf<'refused'>, env: Env): Step {
  const kept = withoutStaleProof(memory, sent);
  // Who refuses is in reach.
  const answered: Memory = { ...kept, offlineSince: null, failures: 0 };
  switch (refusalKind(refusal.code)) {
    case 'clock':
      return onClockSkew(answered, sent, refusal, env);
    case 'resend':
      return onRepeat(answered, sent, refusal, env);
    case 'renumber':
      return onRenumber(answered, sent, refusal, env);
    case 'content':
      return onContent(answered, sent, refusal, env);
    case 'server':
      return onServerFault(answered, sent, refusal.detail, env);
    case 'busy': {
      const unreachable = refusal.code === 'UNAVAILABLE';
      // A Core that says that it is ill is no witness against a batch.
      const next = unreachable ? { ...outOfReach(kept, env.now), serverFaults: 0 } : answered;
      return wait(next, env, {
        failed: sent,
        atLeastMs: refusal.retryAfterMs ?? 0,
        patient: refusal.retryAfterMs !== undefined,
      });
    }
    case 'paused':
      return block(answered, 'paused', sent, refusal, env);
    case 'failed':
      return block(answered, 'failed', sent, refusal, env);
  }
}

function onClockSkew(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  const { serverTimeMs } = refusal;
  if (serverTimeMs === undefined || sent.attempt > resendsMax + 1) return block(memory, 'failed', sent, refusal, env);
  const signOffsetMs = serverTimeMs - env.now;
  return push({ ...memory, signOffsetMs, clockSkewMs: -signOffsetMs }, { ...sent, attempt: sent.attempt + 1 });
}

function onRepeat(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  const again: Memory = { ...memory, repeats: memory.repeats + 1 };
  if (again.repeats <= repeatsUntilRenumbered) return wait(again, env, { failed: sent, resend: sent });
  // Other bytes under another number. Groups under suspicion are found again if there is something to find.
  const smaller: Memory = { ...halved(again, sent), suspects: [], accused: null };
  if (again.repeats <= repeatsUntilFailed) return wait(smaller, env, { failed: sent });
  return block(smaller, 'failed', sent, refusal, env);
}

function onRenumber(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  const pushSeqAbove = Math.max(memory.pushSeqAbove, sent.pushSeq, refusal.lastPushSeq ?? 0);
  const raised: Memory = { ...memory, pushSeqAbove, renumberings: memory.renumberings + 1 };
  if (raised.renumberings > renumberingsMax) return block(raised, 'failed', sent, refusal, env);
  return loadNext(raised, env);
}

function onContent(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  if (sent.changes.length > 0) return loadNext(suspecting(memory, sent, refusal), env);
  return block({ ...memory, suspects: [], accused: null }, 'failed', sent, refusal, env);
}

/** Bisection (DESIGN §4.6): halves until one change stands alone, which is then accused. */
function suspecting(memory: Memory, sent: Push, { code, detail }: Refusal): Memory {
  const others = sent.origin === 'suspects' ? memory.suspects.slice(1) : memory.suspects;
  const [only, second] = sent.changes;
  if (only !== undefined && second === undefined)
    return { ...memory, suspects: others, accused: { change: refTo(only), reason: { code, detail } } };
  const keys = sent.changes.map(({ stream, entityId }) => ({ stream, entityId }));
  const middle = Math.ceil(keys.length / 2);
  return { ...memory, suspects: [keys.slice(0, middle), keys.slice(middle), ...others] };
}

function onServerFault(memory: Memory, sent: Push, detail: string, env: Env): Step {
  const refusal = { code: 'INTERNAL', detail } as const;
  // The Core breaks without any change: it is ill, and what was learned about the changes meanwhile is worth nothing.
  if (sent.origin === 'probe')
    return block({ ...memory, suspects: [], accused: null, serverFaults: 0 }, 'failed', sent, refusal, env);
  const faulty: Memory = { ...memory, serverFaults: memory.serverFaults + 1 };
  if (faulty.serverFaults < serverFaultsUntilSuspected) return wait(halved(faulty, sent), env, { failed: sent });
  if (sent.changes.length === 0) return block(faulty, 'failed', sent, refusal, env);
  const suspicious = suspecting(faulty, sent, refusal);
  // The test of an accused change follows at once: only an answer of the same moment tells its fault from the Core's.
  return suspicious.accused === null ? wait(suspicious, env, { failed: sent }) : loadNext(suspicious, env);
}

/**
 * A change that is accused because the Core broke at it was not proved guilty when the test of the link fails as well,
 * in whatever way: an acknowledgement that comes later may be that of a Core which has recovered.
 */
const withoutStaleProof = (memory: Memory, { origin }: Push): Memory =>
  origin === 'probe' && memory.accused?.reason.code === 'INTERNAL'
    ? { ...memory, suspects: [], accused: null, serverFaults: 0 }
    : memory;

function block(memory: Memory, kind: 'failed' | 'paused', sent: Push, { code, detail }: Refusal, env: Env): Step {
  const blocked = { kind, code, detail };
  return wait({ ...memory, blocked }, env, { failed: sent, atLeastMs: limits.syncBackoffMaxMs, patient: true });
}

const outOfReach = (memory: Memory, now: number): Memory => ({
  ...memory,
  offlineSince: memory.offlineSince ?? now,
  failures: memory.failures + 1,
});

const halved = (memory: Memory, { changes }: Push): Memory =>
  changes.length > 1 ? { ...memory, batchMaxChanges: Math.ceil(changes.length / 2) } : memory;

export function onStorageFailed(
  { memory }: StateIn<'loading' | 'storing'>,
  { code, detail }: EventOf<'storage-failed'>,
  env: Env,
): Step {
  return wait({ ...memory, blocked: { kind: 'failed', code, detail } }, env, { patient: true });
}

export function onStored({ memory }: StateIn<'storing'>, _event: EventOf<'stored'>, env: Env): Step {
  const [next, effects] = loadNext(memory, env);
  return [next, [{ type: 'report', facts: factsOf(memory) }, ...effects]];
}
