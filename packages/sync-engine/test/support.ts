import type { Hlc } from '@sgp/shared/clock';
import type { PushAck } from '@sgp/shared/sync';
import type { Batch, OutboxChange, Push } from '@sgp/sync-engine/ports';
import { uplink } from '@sgp/sync-engine/uplink';
import { type Effect, initialUplink, type UplinkEvent, type UplinkState } from '@sgp/sync-engine/uplink-state';

/** Small builders for the tests of the engine. */

export const epoch = '01900000-0000-7000-8000-0000000000ee';
export const entity = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
export const stamp = (ms: number): Hlc => `${String(ms).padStart(14, '0')}-0000-0000000000aa` as Hlc;

export const change = (seq: number, entityNumber: number, version = 1): OutboxChange => ({
  seq,
  id: `01900000-0000-7000-9000-${String(seq).padStart(12, '0')}`,
  stream: 'orders',
  entityId: entity(entityNumber),
  version,
  parentVersion: version - 1,
  updatedAt: stamp(seq),
  op: 'upsert',
  payload: JSON.stringify({ entityNumber, version }),
  hash: `${entityNumber}:${version}`.padEnd(64, '0'),
});

export const batchOf = (changes: readonly OutboxChange[], pushSeq = 1): Batch => ({
  stream: 'orders',
  epoch,
  pushSeq,
  lowWaterSeq: 0,
  changes,
});

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
