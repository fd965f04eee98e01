import type { OutboxChange } from '@sgp/sync-engine/ports';
import { uplink } from '@sgp/sync-engine/uplink';
import type {
  ChannelEvent,
  ChannelEventType,
  HelperPhase,
  HelperPhaseState,
  Memory,
  UplinkState,
} from '@sgp/sync-engine/uplink-state';
import test from 'ava';
import { ackOf, batchOf, change, effectOf, fresh, helperEvent, helperOf, instanceId } from './support.ts';

const wire = { version: 2, generation: 1, instanceId } as const;
const sound: Memory = { ...fresh().memory, wire, greetedAt: 0, exchanged: true, lastAckAt: 0 };
const batch = batchOf([change(1, 1), change(2, 2)], 1, 1);
const push = { ...batch, wire, origin: 'queue', sentAt: 0, attempt: 1, signOffsetMs: 0 } as const;
const env = { now: 1_000, random: 0.5 };

const helpers: { readonly [P in HelperPhase]: Extract<HelperPhaseState, { phase: P }> } = {
  off: { phase: 'off' },
  loading: { phase: 'loading' },
  pushing: { phase: 'pushing', push },
  storing: { phase: 'storing', stream: 'orders' },
};
const withHelper = (helper: HelperPhaseState, memory: Memory = sound): UplinkState => ({
  phase: 'idle',
  memory: {
    ...memory,
    helpers: memory.helpers.map((each) => (each.channel === 1 ? { channel: 1, ticks: 2, ...helper } : each)),
  },
});

const events: { readonly [E in ChannelEventType]: ChannelEvent } = {
  'batch-loaded': { type: 'batch-loaded', batch },
  'nothing-loaded': { type: 'nothing-loaded' },
  acked: { type: 'acked', ack: ackOf(push), bytes: 1 },
  stored: { type: 'stored' },
  refused: { type: 'refused', code: 'RATE_LIMITED', detail: '' },
  'network-failed': { type: 'network-failed', mayHaveArrived: true, detail: '' },
  timeout: { type: 'timeout' },
  'storage-failed': { type: 'storage-failed', code: 'DISK_FULL', detail: '' },
};

/** The phase after each event in each phase. A missing cell does not compile. */
const table: { readonly [P in HelperPhase]: { readonly [E in ChannelEventType]: HelperPhase } } = {
  off: {
    'batch-loaded': 'off',
    'nothing-loaded': 'off',
    acked: 'off',
    stored: 'off',
    refused: 'off',
    'network-failed': 'off',
    timeout: 'off',
    'storage-failed': 'off',
  },
  loading: {
    'batch-loaded': 'pushing',
    'nothing-loaded': 'off',
    acked: 'loading',
    stored: 'loading',
    refused: 'loading',
    'network-failed': 'loading',
    timeout: 'loading',
    'storage-failed': 'off',
  },
  pushing: {
    'batch-loaded': 'pushing',
    'nothing-loaded': 'pushing',
    acked: 'storing',
    stored: 'pushing',
    refused: 'off',
    'network-failed': 'off',
    timeout: 'off',
    'storage-failed': 'pushing',
  },
  storing: {
    'batch-loaded': 'storing',
    'nothing-loaded': 'storing',
    acked: 'storing',
    stored: 'loading',
    refused: 'storing',
    'network-failed': 'storing',
    timeout: 'storing',
    'storage-failed': 'off',
  },
};
const begunBy = { loading: 'load-batch', pushing: 'push', storing: 'deliver', off: 'release' } as const;

for (const phase of Object.keys(table) as HelperPhase[])
  test(`I1: of a helper that is ${phase}, each event leads where the table says, with an effect that ends it`, (t) => {
    for (const type of Object.keys(events) as ChannelEventType[]) {
      const [next, effects] = uplink(withHelper(helpers[phase]), helperEvent(1, events[type]), env);
      const reached = helperOf(next, 1).phase;
      t.is(reached, table[phase][type], `${phase} + ${type}`);
      t.is(next.phase, 'idle', 'the lead goes on');
      if (reached !== phase) t.truthy(effectOf(effects, begunBy[reached]), `${phase} + ${type} → ${reached}`);
      else t.deepEqual(effects, []);
    }
  });

const badEnds: readonly ChannelEvent[] = [
  ...(['SIG_CLOCK_SKEW', 'SIG_REPLAY', 'SEQ_STALE', 'BODY_INVALID', 'INTERNAL', 'UNAVAILABLE'] as const),
  ...(['NODE_SUPERSEDED', 'NODE_STATE_FORKED', 'NODE_BANNED', 'SIG_INVALID'] as const),
].map((code): ChannelEvent => ({ type: 'refused', code, detail: '' }));

test('a bad end of a helper only releases: the lead does not pause, and nothing is said to be blocked or offline', (t) => {
  for (const end of [...badEnds, events['network-failed'], events.timeout]) {
    const [next, effects] = uplink(withHelper(helpers.pushing), helperEvent(1, end), env);
    t.deepEqual(effects, [{ type: 'release', channel: 1 }]);
    t.like(next.memory, {
      blocked: null,
      offlineSince: null,
      failures: 0,
      backoffStep: 0,
      greetedAt: 0,
      accused: null,
    });
  }
});

test('after a bad end no helper starts before the lead is acknowledged', (t) => {
  const [failed] = uplink(withHelper(helpers.pushing), helperEvent(1, events.timeout), env);
  const [loading] = uplink(failed, { type: 'doorbell' }, env);
  const full = { type: 'batch-loaded', batch: batchOf([change(3, 3)], 5, 0, true) } as const;
  const [pushing, effects] = uplink(loading, full, env);
  t.is(effectOf(effects, 'load-batch'), undefined);
  if (pushing.phase !== 'pushing') throw new Error('expected a push');
  const [storing] = uplink(pushing, { type: 'acked', ack: ackOf(pushing.push), bytes: 1 }, env);
  const [again] = uplink(storing, { type: 'stored' }, env);
  const [, woken] = uplink(again, { ...full, batch: { ...full.batch, pushSeq: 6 } }, env);
  t.is(effectOf(woken, 'load-batch')?.request.channel, 1);
});

test('what a helper is refused for its content is a suspect of the lead, which alone judges', (t) => {
  const refusal = { type: 'refused', code: 'BODY_INVALID', detail: '' } as const;
  const [failed] = uplink(withHelper(helpers.pushing), helperEvent(1, refusal), env);
  t.deepEqual(failed.memory.suspects, [
    batch.changes.map(({ stream, entityId }: OutboxChange) => ({ stream, entityId })),
  ]);
  const [, effects] = uplink(failed, { type: 'poll-due' }, env);
  t.like(effectOf(effects, 'load-batch')?.request, { channel: 0, origin: 'suspects', maxChanges: 2 });
});

test('a helper halves on failure and slowness, and grows back with quick acknowledgements', (t) => {
  const many = Array.from({ length: 400 }, (_, i) => change(i + 1, i + 1));
  const sent = { ...push, changes: many };
  const pushing = withHelper({ phase: 'pushing', push: sent }, { ...sound, helperMaxChanges: 400 });
  const ended = (event: ChannelEvent, now = 1_000) => uplink(pushing, helperEvent(1, event), { ...env, now })[0].memory;
  const acked = { type: 'acked', ack: ackOf(sent), bytes: 1 } as const;
  t.is(ended(events.timeout).helperMaxChanges, 200);
  t.like(ended(acked, 2_001), { helperMaxChanges: 200, slow: true });
  t.like(ended(acked, 2_000), { helperMaxChanges: 500, slow: false });
});

test('on a slow line one helper is enough', (t) => {
  const slow = withHelper(helpers.loading, { ...sound, slow: true });
  const [, effects] = uplink(slow, helperEvent(1, { type: 'batch-loaded', batch: { ...batch, more: true } }), env);
  t.is(effectOf(effects, 'load-batch'), undefined);
  const [, quick] = uplink(
    withHelper(helpers.loading),
    helperEvent(1, { type: 'batch-loaded', batch: { ...batch, more: true } }),
    env,
  );
  t.is(effectOf(quick, 'load-batch')?.request.channel, 2);
});

test('a helper that waits for nothing is found by the watchdog, though the lead is well', (t) => {
  let state = withHelper(helpers.pushing);
  for (let tick = 0; tick < 2; tick++) state = uplink(state, { type: 'watch-due' }, env)[0];
  t.is(helperOf(state, 1).phase, 'pushing');
  const [reset, effects] = uplink(state, { type: 'watch-due' }, env);
  t.is(helperOf(reset, 1).phase, 'off');
  t.is(reset.phase, 'greeting');
  for (const type of ['reset-link', 'release', 'hello', 'schedule'] as const) t.truthy(effectOf(effects, type), type);
});

test('a handshake that finds version 1 ends the helpers and drops what was suspected of version 2', (t) => {
  const { memory } = withHelper(helpers.pushing, { ...sound, suspects: [[{ stream: 'customers', entityId: 'x' }]] });
  const greeting: UplinkState = { phase: 'greeting', memory, sentAt: 0, attempt: 1 };
  const [next, effects] = uplink(greeting, { type: 'hello-unsupported' }, env);
  t.is(helperOf(next, 1).phase, 'off');
  t.deepEqual(effectOf(effects, 'release'), { type: 'release', channel: 1 });
  t.deepEqual(effectOf(effects, 'load-batch')?.request.streams, ['orders']);
});
