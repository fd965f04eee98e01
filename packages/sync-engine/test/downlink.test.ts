import type { ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { DownChange } from '@sgp/shared/sync-downlink';
import { downlink } from '@sgp/sync-engine/downlink';
import {
  type DownEffect,
  type DownEvent,
  type DownEventOf,
  type DownEventType,
  type DownlinkState,
  type DownPhase,
  type DownPosition,
  initialDownlink,
  type ParkedDown,
} from '@sgp/sync-engine/downlink-state';
import test from 'ava';
import { entity, epoch, stamp } from './support.ts';

const position: DownPosition = { coreEpoch: epoch, cursor: 7, signedAtS: 100 };
const otherEpoch = entity(99);
const env = { now: 60_000, random: 0.5 };

const down = (seq: number): DownChange => ({
  seq,
  id: entity(seq),
  stream: 'catalogue',
  entityId: entity(1),
  version: seq,
  updatedAt: stamp(seq),
  hash: '0'.repeat(64),
  payload: {},
});
const answered = (
  seqs: readonly number[] = [],
  claims: Partial<DownEventOf<'answered'>['claims']> = {},
): DownEventOf<'answered'> => ({
  type: 'answered',
  claims: { iat: 101, coreEpoch: epoch, after: 7, head: 100, changes: seqs.map(down), ...claims },
});
const parked = (seq: number): ParkedDown => ({ seq, id: entity(seq), code: 'BODY_INVALID', detail: 'no such unit' });

const { memory } = initialDownlink(position, [], 0);
const asking: DownlinkState = { phase: 'asking', memory, since: 55_000, waitMs: limits.downlinkWaitMs, told: [] };
const states: { readonly [P in DownPhase]: DownlinkState } = {
  idle: { phase: 'idle', memory },
  asking,
  applying: { phase: 'applying', memory },
  waiting: { phase: 'waiting', memory, patient: false },
  stopped: { phase: 'stopped', memory },
};
const events: { readonly [E in DownEventType]: DownEvent } = {
  start: { type: 'start' },
  'network-changed': { type: 'network-changed' },
  'retry-due': { type: 'retry-due' },
  answered: answered([8]),
  'signature-refused': { type: 'signature-refused', detail: '' },
  refused: { type: 'refused', code: 'RATE_LIMITED', detail: '' },
  'network-failed': { type: 'network-failed', detail: '' },
  timeout: { type: 'timeout' },
  applied: { type: 'applied', position: { ...position, cursor: 8 }, untold: [] },
  'storage-failed': { type: 'storage-failed', code: 'DISK_FULL', detail: '' },
  stop: { type: 'stop' },
};

/** The phase after each event in each phase. A missing cell does not compile. */
const table: { readonly [P in DownPhase]: { readonly [E in DownEventType]: DownPhase } } = {
  idle: {
    start: 'asking',
    'network-changed': 'idle',
    'retry-due': 'idle',
    answered: 'idle',
    'signature-refused': 'idle',
    refused: 'idle',
    'network-failed': 'idle',
    timeout: 'idle',
    applied: 'idle',
    'storage-failed': 'idle',
    stop: 'stopped',
  },
  asking: {
    start: 'asking',
    'network-changed': 'asking',
    'retry-due': 'asking',
    answered: 'applying',
    'signature-refused': 'waiting',
    refused: 'waiting',
    'network-failed': 'waiting',
    timeout: 'waiting',
    applied: 'asking',
    'storage-failed': 'asking',
    stop: 'stopped',
  },
  applying: {
    start: 'applying',
    'network-changed': 'applying',
    'retry-due': 'applying',
    answered: 'applying',
    'signature-refused': 'applying',
    refused: 'applying',
    'network-failed': 'applying',
    timeout: 'applying',
    applied: 'asking',
    'storage-failed': 'waiting',
    stop: 'stopped',
  },
  waiting: {
    start: 'waiting',
    'network-changed': 'asking',
    'retry-due': 'asking',
    answered: 'waiting',
    'signature-refused': 'waiting',
    refused: 'waiting',
    'network-failed': 'waiting',
    timeout: 'waiting',
    applied: 'waiting',
    'storage-failed': 'waiting',
    stop: 'stopped',
  },
  stopped: {
    start: 'stopped',
    'network-changed': 'stopped',
    'retry-due': 'stopped',
    answered: 'stopped',
    'signature-refused': 'stopped',
    refused: 'stopped',
    'network-failed': 'stopped',
    timeout: 'stopped',
    applied: 'stopped',
    'storage-failed': 'stopped',
    stop: 'stopped',
  },
};
/** What ends each phase; nothing wakes a downlink that was not started or was stopped. */
const continuing = { idle: null, asking: 'ask', applying: 'apply', waiting: 'schedule', stopped: null } as const;

for (const phase of Object.keys(table) as DownPhase[])
  test(`I22: from ${phase}, each event leads where the table says, with an effect that ends the new phase`, (t) => {
    for (const type of Object.keys(events) as DownEventType[]) {
      const [next, effects] = downlink(states[phase], events[type], env);
      t.is(next.phase, table[phase][type], `${phase} + ${type}`);
      const expected = continuing[next.phase];
      if (next.phase === phase) t.deepEqual([next, effects], [states[phase], []], `${phase} + ${type}`);
      else if (expected !== null)
        t.true(
          effects.some((effect) => effect.type === expected),
          `${phase} + ${type} → ${next.phase}`,
        );
    }
  });

const effectOf = <T extends DownEffect['type']>(effects: readonly DownEffect[], type: T) =>
  effects.find((effect): effect is Extract<DownEffect, { type: T }> => effect.type === type);

const faulty = [
  ['a change is missing', answered([8, 10])],
  ['the first change is not the next one', answered([9])],
  ['it follows another position', answered([9], { after: 8 })],
  ['the head is below its own changes', answered([8, 9], { head: 8 })],
  ['its epoch is another and was signed before ours', answered([8], { coreEpoch: otherEpoch, iat: 99 })],
  ['a restored Core goes on above what came', answered([9], { coreEpoch: otherEpoch, after: 8 })],
] as const;
for (const [title, event] of faulty)
  test(`I21: nothing of an answer is applied when ${title}`, (t) => {
    const [next, effects] = downlink(asking, event, env);
    t.is(next.phase, 'waiting');
    t.is(effectOf(effects, 'apply'), undefined);
    t.is(next.memory.problem?.code, 'BODY_INVALID');
    t.deepEqual(next.memory.position, position);
  });

test('I21: what came is applied with the position behind it', (t) => {
  const [, effects] = downlink(asking, answered([8, 9]), env);
  const apply = effectOf(effects, 'apply');
  t.deepEqual(apply?.from, position);
  t.deepEqual(apply?.to, { coreEpoch: epoch, cursor: 9, signedAtS: 101 });
});

test('I21: after a restore of the Core the position goes back to the last common one, even when nothing follows it', (t) => {
  const [next, effects] = downlink(asking, answered([], { coreEpoch: otherEpoch, after: 4, head: 4 }), env);
  t.is(next.phase, 'applying');
  t.deepEqual(effectOf(effects, 'apply')?.to, { coreEpoch: otherEpoch, cursor: 4, signedAtS: 101 });
});

test('I21: the first answer ever may name any core epoch', (t) => {
  const first = initialDownlink({ coreEpoch: null, cursor: 0, signedAtS: 0 }, [], null);
  const [state] = downlink(first, { type: 'start' }, env);
  const [next, effects] = downlink(state, answered([], { after: 0, head: 0 }), env);
  t.is(next.phase, 'applying');
  t.is(effectOf(effects, 'apply')?.to.coreEpoch, epoch);
});

test('a Core that holds the call and has nothing is asked again at once', (t) => {
  const [next, effects] = downlink(asking, answered(), env);
  t.is(next.phase, 'asking');
  t.is(effectOf(effects, 'ask')?.ask.waitMs, limits.downlinkWaitMs);
});

test('a Core that does not hold the call is not asked in a tight loop', (t) => {
  const [next, effects] = downlink({ ...asking, since: env.now } as DownlinkState, answered(), env);
  t.is(next.phase, 'waiting');
  t.is(effectOf(effects, 'schedule')?.delayMs, limits.downlinkIdleMinMs);
});

test('after a failure the call is not held, so that the state of the link is known at once', (t) => {
  const [failed] = downlink(asking, { type: 'timeout' }, env);
  const [, effects] = downlink(failed, { type: 'retry-due' }, env);
  t.is(effectOf(effects, 'ask')?.ask.waitMs, 0);
});

test('pauses grow to their limit, and an answer ends them', (t) => {
  let state: DownlinkState = asking;
  const pauses: number[] = [];
  for (let i = 0; i < 12; i++) {
    const [failed, effects] = downlink(state, { type: 'network-failed', detail: '' }, env);
    pauses.push(effectOf(effects, 'schedule')?.delayMs ?? Number.NaN);
    [state] = downlink(failed, { type: 'retry-due' }, env);
  }
  t.deepEqual(
    pauses,
    pauses.toSorted((a, b) => a - b),
  );
  t.is(pauses.at(-1), limits.syncBackoffMaxMs * 0.75);
  const [well] = downlink(state, answered([8]), env);
  t.is(well.memory.failures, 0);
  t.is(well.memory.backoffStep, 0);
});

const patient: readonly (readonly [ErrorCode, boolean])[] = [
  ['NODE_BANNED', true],
  ['LICENSE_RESTRICTED', true],
  ['NODE_STATE_FORKED', true],
  ['SIG_INVALID', true],
  // A Core of the first version has no downlink.
  ['NOT_FOUND', false],
];
for (const [code, isProblem] of patient)
  test(`${code} is asked again each 30 s, whatever the network does`, (t) => {
    const [next, effects] = downlink(asking, { type: 'refused', code, detail: '' }, env);
    t.is(effectOf(effects, 'schedule')?.delayMs, limits.syncBackoffMaxMs);
    t.is(next.memory.problem !== null, isProblem);
    t.is(downlink(next, { type: 'network-changed' }, env)[0], next);
  });

test('an overloaded Core is no problem of ours, and says itself when to come back', (t) => {
  const [next, effects] = downlink(
    asking,
    { type: 'refused', code: 'UNAVAILABLE', detail: '', retryAfterMs: 9_000 },
    env,
  );
  t.is(effectOf(effects, 'schedule')?.delayMs, 9_000);
  t.is(next.memory.problem, null);
});

test('a signature that does not hold applies nothing and asks for a newer keyset', (t) => {
  const [next, effects] = downlink(asking, { type: 'signature-refused', detail: 'unknown kid' }, env);
  t.truthy(effectOf(effects, 'fetch-keyset'));
  t.is(effectOf(effects, 'apply'), undefined);
  t.is(next.memory.problem?.code, 'SIG_INVALID');
});

test('I23: what is parked is told with the next call, a portion at a time, until an answer came', (t) => {
  const all = Array.from({ length: limits.downlinkParkedPerAskMax + 1 }, (_, i) => parked(i + 1));
  const [state, [first]] = downlink(initialDownlink(position, all, 0), { type: 'start' }, env);
  t.deepEqual(first?.type === 'ask' && first.ask.parked, all.slice(0, limits.downlinkParkedPerAskMax));
  const [lost] = downlink(state, { type: 'timeout' }, env);
  t.deepEqual(lost.memory.untold, all);
  const [told, effects] = downlink(state, answered(), env);
  t.deepEqual(effectOf(effects, 'parked-told')?.parked, all.slice(0, limits.downlinkParkedPerAskMax));
  t.deepEqual(told.memory.untold, all.slice(limits.downlinkParkedPerAskMax));
});

test('a storage that says yes and moves nothing does not spin', (t) => {
  const [next] = downlink(states.applying, { type: 'applied', position, untold: [] }, env);
  t.is(next.phase, 'waiting');
  t.is(next.memory.problem?.code, 'INTERNAL');
});
