import { limits } from '@sgp/shared/limits';
import { backoffMs } from './backoff.ts';
import type { BatchRequest, Push } from './ports.ts';
import { type Effect, type Env, factsOf, type Memory, type Step } from './uplink-state.ts';

/** Asks for what is to be sent next: the test of the link, the suspects, or the newest of the queue. */
export function loadNext(memory: Memory, { now }: Env): Step {
  const request = nextRequest(memory, now);
  return [{ phase: 'loading', memory, origin: request.origin, rung: false }, [{ type: 'load-batch', request }]];
}

function nextRequest(memory: Memory, now: number): BatchRequest {
  const { pushSeqAbove, accused } = memory;
  const [group] = memory.suspects;
  const maxBytes = limits.pushBodyMaxBytes;
  if (accused !== null) return { origin: 'probe', only: [], maxChanges: 0, maxBytes, heartbeat: true, pushSeqAbove };
  if (group !== undefined)
    return { origin: 'suspects', only: group, maxChanges: group.length, maxBytes, heartbeat: false, pushSeqAbove };
  // `maxBytes` counts before compression: even a batch that does not compress fits the Core's limit.
  return {
    origin: 'queue',
    only: null,
    maxChanges: memory.batchMaxChanges,
    maxBytes,
    heartbeat: heartbeatDue(memory, now),
    pushSeqAbove,
  };
}

/** While nothing proves that the link is sound, each attempt is worth an empty batch. */
const heartbeatDue = (memory: Memory, now: number): boolean =>
  !memory.exchanged ||
  memory.blocked !== null ||
  memory.offlineSince !== null ||
  memory.lastAckAt === null ||
  now - memory.lastAckAt >= limits.syncHeartbeatMs ||
  // The clock was set back: the age of the last exchange is not known.
  now < memory.lastAckAt;

export function push(memory: Memory, next: Push): Step {
  const signed: Push = { ...next, signOffsetMs: memory.signOffsetMs };
  return [{ phase: 'pushing', memory, push: signed }, [{ type: 'push', push: signed }]];
}

type Wait = {
  /** The push that failed: the attempt is counted on its changes. */
  readonly failed?: Push;
  readonly resend?: Push | null;
  readonly atLeastMs?: number;
  readonly patient?: boolean;
};

/** Pauses after a failure, each time longer. */
export function wait(
  memory: Memory,
  { now, random }: Env,
  { failed, resend = null, atLeastMs = 0, patient = false }: Wait,
): Step {
  const delayMs = Math.max(atLeastMs, backoffMs(memory.backoffStep, random));
  const later: Memory = { ...memory, backoffStep: memory.backoffStep + 1 };
  const effects: Effect[] = [
    { type: 'schedule', timer: 'retry-due', delayMs },
    { type: 'report', facts: factsOf(later) },
  ];
  if (failed !== undefined && failed.changes.length > 0)
    effects.push({ type: 'count-attempt', changes: failed.changes });
  return [{ phase: 'waiting', memory: later, resend, patient, since: now, until: now + delayMs }, effects];
}
