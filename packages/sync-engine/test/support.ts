import type { Hlc } from '@sgp/shared/clock';
import type { PushAck, StreamName } from '@sgp/shared/sync';
import type { HelloVerdict } from '@sgp/shared/sync-hello';
import type { Batch, DiskIdentity, OutboxChange, Push } from '@sgp/sync-engine/ports';
import { uplink } from '@sgp/sync-engine/uplink';
import {
  type Effect,
  type EventOf,
  initialUplink,
  type UplinkEvent,
  type UplinkState,
} from '@sgp/sync-engine/uplink-state';

/** Small builders for the tests of the engine. */

export const epoch = '01900000-0000-7000-8000-0000000000ee';
export const entity = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
export const stamp = (ms: number): Hlc => `${String(ms).padStart(14, '0')}-0000-0000000000aa` as Hlc;

export const change = (
  seq: number,
  entityNumber: number,
  version = 1,
  stream: StreamName = 'orders',
): OutboxChange => ({
  seq,
  id: `01900000-0000-7000-9000-${String(seq).padStart(12, '0')}`,
  stream,
  entityId: entity(entityNumber),
  version,
  parentVersion: version - 1,
  updatedAt: stamp(seq),
  op: 'upsert',
  payload: JSON.stringify({ entityNumber, version }),
  hash: `${entityNumber}:${version}`.padEnd(64, '0'),
});

export const batchOf = (changes: readonly OutboxChange[], pushSeq = 1, channel = 0, more = false): Batch => ({
  channel,
  stream: changes[0]?.stream ?? 'orders',
  epoch,
  pushSeq,
  lowWaterSeq: 0,
  changes,
  more,
});

export const instanceId = '01900000-0000-7000-8000-0000000000aa';
export const otherInstanceId = '01900000-0000-7000-8000-0000000000bb';
export const disk: DiskIdentity = { epoch, parentEpoch: null, generation: 1, instanceId, lastSeq: 0, ackedSeq: 0 };

export const helloOf = (
  verdict: HelloVerdict = 'go-on',
  channels: readonly { readonly channel: number; readonly pushSeq: number }[] = [],
): EventOf<'hello-answered'> => ({
  type: 'hello-answered',
  disk,
  answer: { schemaVersion: 2, verdict, ackedSeq: 0, channels: [...channels], coreTimeMs: 0 },
});
/** The start with its handshake. */
export const started = [{ type: 'start' }, helloOf()] as const satisfies readonly UplinkEvent[];

export const ackOf = (push: Push, committedAtMs = 0): PushAck => ({
  epoch: push.epoch,
  pushSeq: push.pushSeq,
  ackedSeq: push.lowWaterSeq,
  committedAtMs,
  results: push.changes.map(({ seq, id }) => ({ seq, id, outcome: 'applied' })),
});

export const fresh = (): UplinkState =>
  initialUplink({ lastAckAt: null, offlineSince: null, clockSkewMs: null, ackedSeq: 0, blocked: null });

/** Feeds events one after the other; `effects` are those of the last. */
export function walk(
  state: UplinkState,
  events: readonly (UplinkEvent | { readonly at: number })[],
  startAt = 0,
): { readonly state: UplinkState; readonly effects: readonly Effect[]; readonly now: number } {
  let now = startAt;
  let effects: readonly Effect[] = [];
  let current = state;
  for (const event of events) {
    if ('at' in event) now = event.at;
    else [current, effects] = uplink(current, event, { now, random: 0.5 });
  }
  return { state: current, effects, now };
}

export const effectOf = <T extends Effect['type']>(
  effects: readonly Effect[],
  type: T,
): Extract<Effect, { type: T }> | undefined =>
  effects.find((effect): effect is Extract<Effect, { type: T }> => effect.type === type);

export const pushOf = (state: UplinkState): Push => {
  if (state.phase !== 'pushing') throw new Error(`expected a push, the phase is ${state.phase}`);
  return state.push;
};

/** The next attempt after a pause, behind its handshake if there was an outage. */
export function retried(state: UplinkState, at = 0): ReturnType<typeof walk> {
  const step = walk(state, [{ type: 'retry-due' }], at);
  return step.state.phase === 'greeting' ? walk(step.state, [helloOf()], at) : step;
}

/** What helper 1 to 3 hears. */
export const helperEvent = (
  channel: number,
  event: Extract<UplinkEvent, { type: 'helper' }>['event'],
): UplinkEvent => ({
  type: 'helper',
  channel,
  event,
});

export const helperOf = ({ memory }: UplinkState, channel: number) => {
  const helper = memory.helpers.find((each) => each.channel === channel);
  if (helper === undefined) throw new Error(`there is no channel ${channel}`);
  return helper;
};

/** Deterministic randomness from a seed (mulberry32), so that a failure can be run again. */
export function randomOf(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let x = Math.imul(a ^ (a >>> 15), 1 | a);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
