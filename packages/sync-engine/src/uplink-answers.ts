import type { Push, Refusal } from './ports.ts';
import { refusalKind } from './refusals.ts';
import { halfOf, isFor, namesNothing, readAck, refTo, sizeAfterAck } from './uplink-acks.ts';
import {
  block,
  onBusy,
  outOfReach,
  repeatsUntilFailed,
  repeatsUntilRenumbered,
  serverFaultsUntilSuspected,
  signingFaultsMax,
} from './uplink-failures.ts';
import { type Env, type EventOf, factsOf, leadChannel, type Memory, type StateIn, type Step } from './uplink-state.ts';
import { leadMaxChanges, loadNext, push, wait } from './uplink-steps.ts';

/** What each ending of a push of the lead leads to. */

const renumberingsMax = 3;
/** A push whose bytes may have arrived is repeated once as it is: the Core then answers from its memory. */
const resendsMax = 1;

export function onAcked({ memory, push: sent }: StateIn<'pushing'>, event: EventOf<'acked'>, env: Env): Step {
  if (!isFor(event.ack, sent))
    return onNetworkFailed(
      { phase: 'pushing', memory, push: sent },
      { type: 'network-failed', mayHaveArrived: true, detail: 'the acknowledgement is for another push' },
      env,
    );
  const proved = sent.origin === 'probe' && memory.accused !== null ? [memory.accused] : [];
  const delivery = readAck(sent, event, env.now, proved);
  if (namesNothing(sent, delivery))
    return onServerFault(memory, sent, 'the acknowledgement names none of the changes', env);
  const [, ...otherSuspects] = memory.suspects;
  const sound: Memory = {
    ...memory,
    lastAckAt: env.now,
    offlineSince: null,
    failures: 0,
    blocked: null,
    clockSkewMs: delivery.clockSkewMs ?? memory.clockSkewMs,
    ackedSeq: Math.max(memory.ackedSeq, delivery.ackedSeq),
    batchMaxChanges: sizeAfterAck(sent, env.now, memory.batchMaxChanges, leadMaxChanges(memory)),
    backoffStep: 0,
    serverFaults: 0,
    renumberings: 0,
    repeats: 0,
    epochsTaken: 0,
    exchanged: true,
    suspects: sent.origin === 'suspects' ? otherSuspects : memory.suspects,
    accused: sent.origin === 'probe' ? null : memory.accused,
  };
  return [{ phase: 'storing', memory: sound }, [{ type: 'deliver', channel: leadChannel, delivery }]];
}

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
    case 'busy':
      return onBusy(kept, refusal, env, sent);
    case 'superseded':
      return wait({ ...answered, greetedAt: null, superseded: refusal.presentInstance ?? null }, env, { failed: sent });
    case 'paused':
      return block(answered, 'paused', refusal, env, sent);
    case 'forked':
    case 'failed':
      return block(answered, 'failed', refusal, env, sent);
  }
}

function onClockSkew(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  const { serverTimeMs } = refusal;
  if (serverTimeMs === undefined || sent.attempt >= signingFaultsMax)
    return block(memory, 'failed', refusal, env, sent);
  const signOffsetMs = serverTimeMs - env.now;
  return push({ ...memory, signOffsetMs, clockSkewMs: -signOffsetMs }, { ...sent, attempt: sent.attempt + 1 });
}

function onRepeat(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  const again: Memory = { ...memory, repeats: memory.repeats + 1 };
  if (again.repeats <= repeatsUntilRenumbered) return wait(again, env, { failed: sent, resend: sent });
  // Other bytes under another number. Groups under suspicion are found again if there is something to find.
  const smaller: Memory = { ...halved(again, sent), suspects: [], accused: null };
  if (again.repeats <= repeatsUntilFailed) return wait(smaller, env, { failed: sent });
  return block(smaller, 'failed', refusal, env, sent);
}

function onRenumber(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  const pushSeqAbove = raisedAbove(memory, sent, refusal);
  const raised: Memory = { ...memory, pushSeqAbove, renumberings: memory.renumberings + 1 };
  if (raised.renumberings > renumberingsMax) return block(raised, 'failed', refusal, env, sent);
  return loadNext(raised, env);
}

/** Push numbers are counted by channel. */
export const raisedAbove = (
  memory: Memory,
  { channel, pushSeq }: Push,
  { lastPushSeq = 0 }: Refusal,
): readonly number[] =>
  memory.pushSeqAbove.map((above, each) => (each === channel ? Math.max(above, pushSeq, lastPushSeq) : above));

function onContent(memory: Memory, sent: Push, refusal: Refusal, env: Env): Step {
  if (sent.changes.length > 0) return loadNext(suspecting(memory, sent, refusal), env);
  return block({ ...memory, suspects: [], accused: null }, 'failed', refusal, env, sent);
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
    return block({ ...memory, suspects: [], accused: null, serverFaults: 0 }, 'failed', refusal, env, sent);
  const faulty: Memory = { ...memory, serverFaults: memory.serverFaults + 1 };
  if (faulty.serverFaults < serverFaultsUntilSuspected) return wait(halved(faulty, sent), env, { failed: sent });
  if (sent.changes.length === 0) return block(faulty, 'failed', refusal, env, sent);
  const suspicious = suspecting(faulty, sent, refusal);
  // The test of an accused change follows at once: only an answer of the same moment tells its fault from the Core's.
  return suspicious.accused === null ? wait(suspicious, env, { failed: sent }) : loadNext(suspicious, env);
}

/**
 * What is accused was not proved guilty when the test of the link fails as well, in whatever way: an acknowledgement that
 * comes later may be that of a Core which has recovered, or of another version that takes what the one before refused.
 */
const withoutStaleProof = (memory: Memory, { origin }: Push): Memory =>
  origin === 'probe' && memory.accused !== null ? { ...memory, suspects: [], accused: null, serverFaults: 0 } : memory;

const halved = (memory: Memory, sent: Push): Memory => ({
  ...memory,
  batchMaxChanges: halfOf(sent, memory.batchMaxChanges),
});

export function onStored({ memory }: StateIn<'storing'>, _event: EventOf<'stored'>, env: Env): Step {
  const [next, effects] = loadNext({ ...memory, stalledTicks: 0 }, env);
  return [next, [{ type: 'report', facts: factsOf(memory) }, ...effects]];
}
