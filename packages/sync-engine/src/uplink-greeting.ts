import type { Refusal } from './ports.ts';
import { refusalKind } from './refusals.ts';
import { skewOf } from './uplink-acks.ts';
import {
  block,
  onBusy,
  outOfReach,
  repeatsUntilFailed,
  serverFaultsUntilSuspected,
  signingFaultsMax,
} from './uplink-failures.ts';
import { turnAllOff } from './uplink-helpers.ts';
import { type Env, type EventOf, type Memory, noPushSeqs, type StateIn, type Step } from './uplink-state.ts';
import { greet, leadMaxChanges, loadNext, wait } from './uplink-steps.ts';

/** How the handshake ends (docs/sync-protocol.md §3.3). */

/** A new epoch is unknown to every Core, so that a second verdict of this kind in a row says that the Core is wrong. */
const epochsTakenMax = 2;

export function onHelloAnswered(
  { memory, sentAt }: StateIn<'greeting'>,
  { answer, disk }: EventOf<'hello-answered'>,
  env: Env,
): Step {
  const greeted: Memory = {
    ...memory,
    wire: { version: 2, generation: disk.generation, instanceId: disk.instanceId },
    greetedAt: env.now,
    superseded: null,
    serverFaults: 0,
    repeats: 0,
    clockSkewMs: skewOf(sentAt, env.now, answer.coreTimeMs),
    pushSeqAbove: memory.pushSeqAbove.map((above, channel) =>
      Math.max(above, answer.channels.find((each) => each.channel === channel)?.pushSeq ?? 0),
    ),
    // The connection is new: what happened meanwhile on either side is looked at once.
    compareDueAt: 0,
  };
  const next: Memory = { ...greeted, batchMaxChanges: Math.min(greeted.batchMaxChanges, leadMaxChanges(greeted)) };
  switch (answer.verdict) {
    case 'go-on':
    case 'compare':
      return loadNext(next, env);
    case 'new-epoch':
      // Another copy may be what takes the place of each, and be gone one day: one more epoch with each slow attempt.
      if (memory.epochsTaken >= epochsTakenMax)
        return block({ ...next, epochsTaken: epochsTakenMax - 1 }, 'failed', endlessEpochs, env);
      return [{ phase: 'renewing', memory: { ...next, greetedAt: null } }, [{ type: 'take-epoch' }]];
  }
}

const endlessEpochs: Refusal = {
  code: 'NODE_STATE_FORKED',
  detail: 'the cloud asks for one new epoch after the other',
};

/** Push numbers begin anew with the epoch. */
export const onEpochTaken = ({ memory }: StateIn<'renewing'>, _event: unknown, env: Env): Step =>
  greet({ ...memory, pushSeqAbove: noPushSeqs, epochsTaken: memory.epochsTaken + 1 }, env);

/**
 * The Core knows version 1 only: one channel, and the streams that it knows; the others wait. What it refused of version 2
 * was refused for its form: nothing of that is a suspect, or an innocent change of a stream that it does not know is parked.
 */
export function onHelloUnsupported({ memory }: StateIn<'greeting'>, _event: unknown, env: Env): Step {
  const [freed, releases] = turnAllOff(memory);
  const [next, effects] = loadNext(
    {
      ...freed,
      wire: { version: 1 },
      greetedAt: env.now,
      superseded: null,
      serverFaults: 0,
      repeats: 0,
      suspects: [],
      accused: null,
    },
    env,
  );
  return [next, [...releases, ...effects]];
}

export const onHelloLost = ({ memory }: StateIn<'greeting'>, _event: unknown, env: Env): Step =>
  wait(outOfReach(memory, env.now), env, {});

export function onHelloRefused({ memory, attempt }: StateIn<'greeting'>, refusal: EventOf<'refused'>, env: Env): Step {
  // Who refuses is in reach.
  const answered: Memory = { ...memory, offlineSince: null, failures: 0 };
  switch (refusalKind(refusal.code)) {
    case 'clock': {
      const { serverTimeMs } = refusal;
      if (serverTimeMs === undefined || attempt >= signingFaultsMax) return block(answered, 'failed', refusal, env);
      const signOffsetMs = serverTimeMs - env.now;
      return greet({ ...answered, signOffsetMs, clockSkewMs: -signOffsetMs }, env, attempt + 1);
    }
    case 'resend': {
      const again: Memory = { ...answered, repeats: memory.repeats + 1 };
      return again.repeats > repeatsUntilFailed ? block(again, 'failed', refusal, env) : wait(again, env, {});
    }
    case 'server': {
      const faulty: Memory = { ...answered, serverFaults: memory.serverFaults + 1 };
      return faulty.serverFaults < serverFaultsUntilSuspected
        ? wait(faulty, env, {})
        : block(faulty, 'failed', refusal, env);
    }
    case 'busy':
      return onBusy(memory, refusal, env);
    case 'superseded':
      return wait({ ...answered, superseded: refusal.presentInstance ?? null }, env, {});
    case 'paused':
      return block(answered, 'paused', refusal, env);
    case 'forked':
    case 'renumber':
    case 'content':
    case 'failed':
      return block({ ...answered, superseded: null }, 'failed', refusal, env);
  }
}
