import { limits } from '@sgp/shared/limits';
import { backoffMs } from './backoff.ts';
import { laneOf, leadStreams } from './lanes.ts';
import type { Batch, BatchRequest, Push, PushOrigin } from './ports.ts';
import { isOffline } from './status.ts';
import { type Effect, type Env, factsOf, leadChannel, type Memory, type Step } from './uplink-state.ts';

/** The handshake when it is due, else what is to be sent next: the test of the link, the suspects, the newest of the queue. */
export function loadNext(memory: Memory, env: Env): Step {
  if (helloDue(memory, env.now)) return greet(memory, env);
  const request = nextRequest(memory, env.now);
  return [{ phase: 'loading', memory, origin: request.origin, rung: false }, [{ type: 'load-batch', request }]];
}

/** A Core of version 1 may have been updated without an outage, or the clock was set back since it was asked. */
const helloDue = ({ greetedAt, wire }: Memory, now: number): boolean =>
  greetedAt === null || (wire.version === 1 && (now - greetedAt >= limits.syncHelloAgainMs || now < greetedAt));

export function greet(memory: Memory, { now }: Env, attempt = 1): Step {
  const { superseded, signOffsetMs } = memory;
  const state = { phase: 'greeting', memory: { ...memory, greetedAt: null }, sentAt: now, attempt } as const;
  return [state, [{ type: 'hello', request: { superseded, sentAt: now, signOffsetMs } }]];
}

function nextRequest(memory: Memory, now: number): BatchRequest {
  const { accused } = memory;
  const [group] = memory.suspects;
  const common = {
    channel: leadChannel,
    streams: leadStreams(memory.wire.version),
    pushSeqAbove: memory.pushSeqAbove[leadChannel] ?? 0,
    // Bytes count before compression: even a batch that does not compress fits the Core's limit.
    maxBytes: limits.syncBatchMaxBytes,
  };
  if (accused !== null) return { ...common, origin: 'probe', only: [], maxChanges: 0, heartbeat: true };
  if (group !== undefined)
    return {
      ...common,
      origin: 'suspects',
      streams: [...new Set(group.map(({ stream }) => stream))],
      only: group,
      maxChanges: group.length,
      heartbeat: false,
    };
  return {
    ...common,
    origin: 'queue',
    only: null,
    maxChanges: memory.batchMaxChanges,
    maxBytes: leadMaxBytes(memory),
    heartbeat: heartbeatDue(memory, now),
  };
}

/** Beside a Core of version 1 the lead is alone: it takes what the helpers would. */
export const leadMaxChanges = ({ wire }: Pick<Memory, 'wire'>): number =>
  wire.version === 1 ? limits.syncBatchMaxChanges : limits.syncLiveBatchMaxChanges;
const leadMaxBytes = ({ wire }: Memory): number =>
  wire.version === 1 ? limits.syncBatchMaxBytes : limits.syncLiveBatchMaxBytes;

/** While nothing proves that the link is sound, each attempt is worth an empty batch. */
const heartbeatDue = (memory: Memory, now: number): boolean =>
  !memory.exchanged ||
  memory.blocked !== null ||
  memory.offlineSince !== null ||
  memory.lastAckAt === null ||
  now - memory.lastAckAt >= limits.syncHeartbeatMs ||
  // The clock was set back: the age of the last exchange is not known.
  now < memory.lastAckAt;

export const newPush = (memory: Memory, { more: _, ...batch }: Batch, origin: PushOrigin, { now }: Env): Push => ({
  ...batch,
  origin,
  wire: memory.wire,
  sentAt: now,
  attempt: 1,
  signOffsetMs: memory.signOffsetMs,
});

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
  const later: Memory = {
    ...(isOffline(memory) ? cutOff(memory) : memory),
    backoffStep: memory.backoffStep + 1,
    exchanged: false,
    busyTurns: 0,
    stalledTicks: 0,
  };
  const effects: Effect[] = [
    { type: 'schedule', timer: 'retry-due', delayMs },
    { type: 'report', facts: factsOf(later) },
  ];
  if (failed !== undefined && failed.changes.length > 0)
    effects.push({ type: 'count-attempt', changes: failed.changes });
  return [{ phase: 'waiting', memory: later, resend, patient, since: now, until: now + delayMs }, effects];
}

/** After an outage comes a handshake, then what is live now: groups under suspicion are found again. */
export const cutOff = (memory: Memory): Memory => ({ ...memory, greetedAt: null, suspects: [], accused: null });

/** Lanes 0 to 2 are empty as far as anybody knows, so that a comparison would not find what is on its way anyway. */
export function compareWhenDrained([state, effects]: Step, { now }: Env): Step {
  const { memory } = state;
  const due = now >= memory.compareDueAt || memory.compareDueAt - now > limits.syncCompareEveryMs;
  const sound = memory.exchanged && memory.blocked === null && memory.wire.version === 2;
  if (!due || !sound || memory.comparing || memory.helpers.some(mayHoldState)) return [state, effects];
  // A handshake meanwhile makes the next one due at once, whatever comes of this one.
  const comparing: Memory = { ...memory, comparing: true, compareDueAt: now + limits.syncCompareEveryMs };
  return [{ ...state, memory: comparing }, [...effects, { type: 'compare' }]];
}

function mayHoldState(helper: Memory['helpers'][number]): boolean {
  switch (helper.phase) {
    case 'off':
      return false;
    case 'loading':
      return true;
    case 'pushing':
      return laneOf(helper.push.stream) < 3;
    case 'storing':
      return laneOf(helper.stream) < 3;
  }
}
