import { uplink } from '@sgp/sync-engine/uplink';
import type { EventType, Phase, UplinkEvent, UplinkState } from '@sgp/sync-engine/uplink-state';
import test from 'ava';
import { ackOf, batchOf, change, fresh } from './support.ts';

const { memory } = fresh();
const batch = batchOf([change(1, 1), change(2, 2)]);
const push = { ...batch, origin: 'queue', sentAt: 0, attempt: 1, signOffsetMs: 0 } as const;

const states: { readonly [P in Phase]: UplinkState } = {
  idle: { phase: 'idle', memory },
  loading: { phase: 'loading', memory, origin: 'queue', rung: false },
  pushing: { phase: 'pushing', memory, push },
  storing: { phase: 'storing', memory },
  waiting: { phase: 'waiting', memory, resend: null, patient: false, since: 0, until: 10_000 },
  stopped: { phase: 'stopped', memory },
};

const events: { readonly [E in EventType]: UplinkEvent } = {
  start: { type: 'start' },
  doorbell: { type: 'doorbell' },
  'poll-due': { type: 'poll-due' },
  'retry-due': { type: 'retry-due' },
  'batch-loaded': { type: 'batch-loaded', batch },
  'nothing-loaded': { type: 'nothing-loaded' },
  acked: { type: 'acked', ack: ackOf(push), bytes: 1 },
  stored: { type: 'stored' },
  refused: { type: 'refused', code: 'RATE_LIMITED', detail: '' },
  'network-failed': { type: 'network-failed', mayHaveArrived: false, detail: '' },
  timeout: { type: 'timeout' },
  'storage-failed': { type: 'storage-failed', code: 'DISK_FULL', detail: '' },
  'network-changed': { type: 'network-changed' },
  stop: { type: 'stop' },
};

/** The phase after each event in each phase. A missing cell does not compile. */
const table: { readonly [P in Phase]: { readonly [E in EventType]: Phase } } = {
  idle: {
    start: 'loading',
    doorbell: 'loading',
    'poll-due': 'loading',
    'retry-due': 'idle',
    'batch-loaded': 'idle',
    'nothing-loaded': 'idle',
    acked: 'idle',
    stored: 'idle',
    refused: 'idle',
    'network-failed': 'idle',
    timeout: 'idle',
    'storage-failed': 'idle',
    'network-changed': 'loading',
    stop: 'stopped',
  },
  loading: {
    start: 'loading',
    doorbell: 'loading',
    'poll-due': 'loading',
    'retry-due': 'loading',
    'batch-loaded': 'pushing',
    'nothing-loaded': 'idle',
    acked: 'loading',
    stored: 'loading',
    refused: 'loading',
    'network-failed': 'loading',
    timeout: 'loading',
    'storage-failed': 'waiting',
    'network-changed': 'loading',
    stop: 'stopped',
  },
  pushing: {
    start: 'pushing',
    doorbell: 'pushing',
    'poll-due': 'pushing',
    'retry-due': 'pushing',
    'batch-loaded': 'pushing',
    'nothing-loaded': 'pushing',
    acked: 'storing',
    stored: 'pushing',
    refused: 'waiting',
    'network-failed': 'waiting',
    timeout: 'waiting',
    'storage-failed': 'pushing',
    'network-changed': 'pushing',
    stop: 'stopped',
  },
  storing: {
    start: 'storing',
    doorbell: 'storing',
    'poll-due': 'storing',
    'retry-due': 'storing',
    'batch-loaded': 'storing',
    'nothing-loaded': 'storing',
    acked: 'storing',
    stored: 'loading',
    refused: 'storing',
    'network-failed': 'storing',
    timeout: 'storing',
    'storage-failed': 'waiting',
    'network-changed': 'storing',
    stop: 'stopped',
  },
  waiting: {
    start: 'waiting',
    doorbell: 'loading',
    'poll-due': 'waiting',
    'retry-due': 'loading',
    'batch-loaded': 'waiting',
    'nothing-loaded': 'waiting',
    acked: 'waiting',
    stored: 'waiting',
    refused: 'waiting',
    'network-failed': 'waiting',
    timeout: 'waiting',
    'storage-failed': 'waiting',
    'network-changed': 'loading',
    stop: 'stopped',
  },
  stopped: {
    start: 'stopped',
    doorbell: 'stopped',
    'poll-due': 'stopped',
    'retry-due': 'stopped',
    'batch-loaded': 'stopped',
    'nothing-loaded': 'stopped',
    acked: 'stopped',
    stored: 'stopped',
    refused: 'stopped',
    'network-failed': 'stopped',
    timeout: 'stopped',
    'storage-failed': 'stopped',
    'network-changed': 'stopped',
    stop: 'stopped',
  },
};

for (const phase of Object.keys(table) as Phase[])
  test(`I1: from ${phase}, each event leads where the table says`, (t) => {
    for (const type of Object.keys(events) as EventType[]) {
      const [next] = uplink(states[phase], events[type], { now: 5_000, random: 0.5 });
      t.is(next.phase, table[phase][type], `${phase} + ${type}`);
    }
  });

test('I1: whatever is loading, pushing, storing or waiting has an effect under way that ends it', (t) => {
  const continuing = {
    loading: 'load-batch',
    pushing: 'push',
    storing: 'deliver',
    waiting: 'schedule',
    idle: 'schedule',
  } as const;
  for (const phase of Object.keys(states) as Phase[])
    for (const type of Object.keys(events) as EventType[]) {
      const [next, effects] = uplink(states[phase], events[type], { now: 5_000, random: 0.5 });
      if (next.phase === 'stopped' || next.phase === phase) continue;
      t.true(
        effects.some((effect) => effect.type === continuing[next.phase as keyof typeof continuing]),
        `${phase} + ${type} → ${next.phase}`,
      );
    }
});
