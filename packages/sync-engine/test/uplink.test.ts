import type { ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { backoffMs } from '@sgp/sync-engine/backoff';
import type { UplinkEvent } from '@sgp/sync-engine/uplink-state';
import test from 'ava';
import { ackOf, batchOf, change, effectOf, entity, fresh, helloOf, pushOf, retried, started, walk } from './support.ts';

const manyChanges = (count: number) => Array.from({ length: count }, (_, i) => change(count - i, count - i));
const refused = (code: ErrorCode) => ({ type: 'refused', code, detail: 'because' }) as const;
const loaded = (changes = [change(1, 1)], pushSeq = 1) =>
  ({ type: 'batch-loaded', batch: batchOf(changes, pushSeq) }) as const;

test('the first thing after the start is a handshake, and then an exchange, even with an empty queue', (t) => {
  t.truthy(effectOf(walk(fresh(), [{ type: 'start' }]).effects, 'hello'));
  const { effects } = walk(fresh(), [...started]);
  t.true(effectOf(effects, 'load-batch')?.request.heartbeat);
});

test('an idle uplink sends a heartbeat once the last acknowledgement is one heartbeat old, and not before', (t) => {
  const sent = walk(fresh(), [{ at: 1000 }, ...started, loaded([])]);
  const idle = walk(
    sent.state,
    [{ type: 'acked', ack: ackOf(pushOf(sent.state), 1000), bytes: 9 }, { type: 'stored' }, { type: 'nothing-loaded' }],
    1000,
  );
  t.is(idle.state.phase, 'idle');
  const early = walk(idle.state, [{ at: 1000 + limits.syncHeartbeatMs - 1 }, { type: 'poll-due' }]);
  const due = walk(idle.state, [{ at: 1000 + limits.syncHeartbeatMs }, { type: 'poll-due' }]);
  t.false(effectOf(early.effects, 'load-batch')?.request.heartbeat);
  t.true(effectOf(due.effects, 'load-batch')?.request.heartbeat);
});

test('a doorbell that rings while the queue is read makes it be read again', (t) => {
  const { state } = walk(fresh(), [...started, { type: 'doorbell' }, { type: 'nothing-loaded' }]);
  t.is(state.phase, 'loading');
});

test('a push whose bytes may have arrived is repeated once as it is; after that a smaller batch is loaded', (t) => {
  const lost = { type: 'network-failed', mayHaveArrived: true, detail: 'reset' } as const;
  const first = walk(fresh(), [...started, loaded(manyChanges(8)), lost, { type: 'retry-due' }]);
  const { attempt: firstAttempt, ...resent } = pushOf(first.state);
  const { attempt: _, ...original } = pushOf(walk(fresh(), [...started, loaded(manyChanges(8))]).state);
  t.is(firstAttempt, 2);
  t.deepEqual(resent, original);
  const second = retried(walk(first.state, [lost]).state);
  t.is(effectOf(second.effects, 'load-batch')?.request.maxChanges, 4);
});

test('a push that never left is not repeated: the next batch has the newest news', (t) => {
  const { effects } = walk(fresh(), [
    ...started,
    loaded(manyChanges(8)),
    { type: 'network-failed', mayHaveArrived: false, detail: 'refused' },
    { type: 'retry-due' },
  ]);
  t.is(effectOf(effects, 'load-batch')?.request.maxChanges, limits.syncLiveBatchMaxChanges);
});

test('batches halve on timeouts down to one change and grow back with acknowledgements', (t) => {
  let state = walk(fresh(), [...started]).state;
  const sizes: number[] = [];
  for (const size of [100, 50, 25, 13, 7, 4, 2, 1]) {
    const step = retried(walk(state, [loaded(manyChanges(size)), { type: 'timeout' }]).state);
    sizes.push(effectOf(step.effects, 'load-batch')?.request.maxChanges ?? 0);
    state = step.state;
  }
  t.deepEqual(sizes, [50, 25, 13, 7, 4, 2, 1, 1]);
  const pushed = walk(state, [loaded(manyChanges(1), 20)]).state;
  const grown = walk(pushed, [{ type: 'acked', ack: ackOf(pushOf(pushed)), bytes: 1 }, { type: 'stored' }]);
  t.is(effectOf(grown.effects, 'load-batch')?.request.maxChanges, 2);
});

test('the delay doubles from 250 ms to 30 s, and at least half of it is certain', (t) => {
  for (const [step, ceiling] of [
    [0, 250],
    [1, 500],
    [4, 4000],
    [7, 30_000],
    [60, 30_000],
  ] as const) {
    t.is(backoffMs(step, 0), ceiling / 2);
    t.true(backoffMs(step, 0.999_999) <= ceiling);
  }
});

test('offline counts from the first failed attempt after the last acknowledgement', (t) => {
  const failed = { type: 'network-failed', mayHaveArrived: false, detail: '' } as const;
  const { state } = walk(fresh(), [
    { at: 1000 },
    ...started,
    loaded(),
    failed,
    { at: 2000 },
    { type: 'retry-due' },
    loaded([change(1, 1)], 2),
    failed,
  ]);
  t.like(state.memory, { offlineSince: 1000, failures: 2 });
  const answered = walk(retried(state, 3000).state, [loaded([change(1, 1)], 3)], 3000);
  const acked = walk(answered.state, [{ type: 'acked', ack: ackOf(pushOf(answered.state)), bytes: 1 }], 3000);
  t.like(acked.state.memory, { offlineSince: null, failures: 0, lastAckAt: 3000 });
});

test('a doorbell shortens the wait to one second, and not further; a change of network ends it', (t) => {
  const failing = walk(fresh(), [
    ...started,
    loaded(),
    { type: 'timeout' },
    ...[2, 3, 4, 5].flatMap((n) => [
      { type: 'retry-due' } as const,
      helloOf(),
      loaded([change(1, 1)], n),
      { type: 'timeout' } as const,
    ]),
  ]);
  t.true((effectOf(failing.effects, 'schedule')?.delayMs ?? 0) > 2000);
  const rung = walk(failing.state, [{ at: 100 }, { type: 'doorbell' }]);
  t.is(effectOf(rung.effects, 'schedule')?.delayMs, limits.outboxPollMs - 100);
  t.is(walk(rung.state, [{ at: 200 }, { type: 'doorbell' }]).effects.length, 0);
  t.is(walk(failing.state, [{ at: 1000 }, { type: 'doorbell' }]).state.phase, 'greeting');
  t.is(walk(failing.state, [{ type: 'network-changed' }]).state.phase, 'greeting');
});

test('a doorbell ends the wait when the clock was set back: no timer of hours replaces the one that runs', (t) => {
  const hour = 3_600_000;
  const step = (n: number) =>
    [
      { type: 'retry-due' },
      helloOf(),
      loaded([change(1, 1)], n),
      { type: 'timeout' },
    ] as const satisfies readonly UplinkEvent[];
  const failing = walk(fresh(), [...started, loaded(), { type: 'timeout' }, ...[2, 3, 4, 5].flatMap(step)], 5 * hour);
  const { state, effects } = walk(failing.state, [{ type: 'doorbell' }], hour);
  t.is(state.phase, 'greeting');
  t.is(effectOf(effects, 'schedule'), undefined);
});

test('I7: a banned node keeps everything, shows it, and asks again slowly whatever rings', (t) => {
  const banned = walk(fresh(), [...started, loaded(), refused('NODE_BANNED')]);
  t.deepEqual(banned.state.memory.blocked, { kind: 'paused', code: 'NODE_BANNED', detail: 'because' });
  t.is(effectOf(banned.effects, 'schedule')?.delayMs, limits.syncBackoffMaxMs);
  t.is(effectOf(banned.effects, 'deliver'), undefined);
  t.is(walk(banned.state, [{ at: 9000 }, { type: 'doorbell' }]).state.phase, 'waiting');
  t.true(effectOf(walk(banned.state, [{ type: 'retry-due' }]).effects, 'load-batch')?.request.heartbeat);
});

test('a wrong clock signs again once with the time of the Core, and keeps the offset', (t) => {
  const skewed = { ...refused('SIG_CLOCK_SKEW'), serverTimeMs: 1_000_000 };
  const again = walk(fresh(), [{ at: 400_000 }, ...started, loaded(), skewed]);
  t.like(pushOf(again.state), { pushSeq: 1, attempt: 2, signOffsetMs: 600_000 });
  t.is(again.state.memory.clockSkewMs, -600_000);
  const acked = walk(again.state, [
    { type: 'acked', ack: ackOf(pushOf(again.state)), bytes: 1 },
    { type: 'stored' },
    loaded([], 2),
  ]);
  t.is(pushOf(acked.state).signOffsetMs, 600_000);
  const hopeless = walk(again.state, [skewed, skewed]);
  t.is(hopeless.state.memory.blocked?.code, 'SIG_CLOCK_SKEW');
});

test('a stale push number, or one whose key was taken, is replaced by one above what the Core took', (t) => {
  for (const code of ['SEQ_STALE', 'IDEMPOTENCY_CONFLICT'] as const) {
    const { effects } = walk(fresh(), [...started, loaded([change(1, 1)], 7), { ...refused(code), lastPushSeq: 4711 }]);
    t.is(effectOf(effects, 'load-batch')?.request.pushSeqAbove, 4711);
  }
});

test('a push number that is refused for the fourth time in a row says `failed`, and the next one is above it all the same', (t) => {
  let state = walk(fresh(), [...started, loaded([change(1, 1)], 1)]).state;
  for (let n = 2; n <= 4; n++)
    state = walk(state, [{ ...refused('SEQ_STALE'), lastPushSeq: n * 100 }, loaded([change(1, 1)], n * 100 + 1)]).state;
  const blocked = walk(state, [{ ...refused('SEQ_STALE'), lastPushSeq: 9000 }]);
  t.like(blocked.state.memory.blocked, { kind: 'failed', code: 'SEQ_STALE' });
  const again = retried(blocked.state);
  t.is(effectOf(again.effects, 'load-batch')?.request.pushSeqAbove, 9000);
});

test('a push that is damaged each time goes on with half the batch under a new number, and then says `failed`', (t) => {
  for (const code of ['DIGEST_MISMATCH', 'SIG_REPLAY'] as const) {
    let state = walk(fresh(), [...started, loaded(manyChanges(8), 1)]).state;
    for (let attempt = 2; attempt <= 6; attempt++) {
      state = walk(state, [refused(code), { type: 'retry-due' }]).state;
      t.like(pushOf(state), { pushSeq: 1, attempt });
    }
    for (let pushSeq = 2; pushSeq <= 6; pushSeq++) {
      const smaller = walk(state, [refused(code), { type: 'retry-due' }]);
      t.is(effectOf(smaller.effects, 'load-batch')?.request.maxChanges, Math.max(1, 8 / 2 ** (pushSeq - 1)));
      t.is(smaller.state.memory.blocked, null);
      state = walk(smaller.state, [loaded(manyChanges(Math.max(1, 8 / 2 ** (pushSeq - 1))), pushSeq)]).state;
    }
    const blocked = walk(state, [refused(code)]);
    t.like(blocked.state.memory.blocked, { kind: 'failed', code });
    const again = walk(retried(blocked.state).state, [loaded(manyChanges(1), 7)]);
    const acked = walk(again.state, [{ type: 'acked', ack: ackOf(pushOf(again.state)), bytes: 1 }]);
    t.like(acked.state.memory, { blocked: null, repeats: 0 });
  }
});

test('I6: a refused batch is bisected, the entity at fault is parked, and the others are not', (t) => {
  const poison = entity(3);
  let state = walk(fresh(), [...started, loaded(manyChanges(5), 1), refused('BODY_INVALID')]).state;
  const parked: string[] = [];
  const delivered: number[] = [];
  for (let pushSeq = 2; pushSeq < 40 && state.memory.suspects.length + (state.memory.accused ? 1 : 0) > 0; pushSeq++) {
    const [group] = state.memory.suspects;
    const wanted = state.memory.accused
      ? []
      : manyChanges(5).filter((each) => group?.some((key) => key.entityId === each.entityId));
    const pushed = walk(state, [loaded(wanted, pushSeq)]).state;
    const sent = pushOf(pushed);
    if (sent.changes.some((each) => each.entityId === poison)) state = walk(pushed, [refused('BODY_INVALID')]).state;
    else {
      const acked = walk(pushed, [{ type: 'acked', ack: ackOf(sent), bytes: 1 }]);
      const delivery = effectOf(acked.effects, 'deliver')?.delivery;
      parked.push(...(delivery?.parked.map((each) => each.change.entityId) ?? []));
      delivered.push(...(delivery?.done.map((each) => each.change.seq) ?? []));
      state = walk(acked.state, [{ type: 'stored' }]).state;
    }
  }
  t.deepEqual(parked, [poison]);
  t.deepEqual(delivered.sort(), [1, 2, 4, 5]);
});

test('I6: when even an empty batch is refused, the link is at fault and nothing is parked', (t) => {
  const lone = walk(fresh(), [...started, loaded(), refused('BODY_INVALID')]);
  t.deepEqual(effectOf(lone.effects, 'load-batch')?.request.only, []);
  const { state, effects } = walk(lone.state, [loaded([], 2), refused('BODY_INVALID')]);
  t.is(state.memory.blocked?.kind, 'failed');
  t.is(state.memory.accused, null);
  t.is(effectOf(effects, 'deliver'), undefined);
});

test('I6: a batch at which the Core breaks five times is suspected, not repeated for ever', (t) => {
  let state = walk(fresh(), [...started, loaded([change(2, 2), change(1, 1)], 1)]).state;
  for (let n = 2; n < 6; n++)
    state = walk(state, [refused('INTERNAL'), { type: 'retry-due' }, loaded([change(2, 2), change(1, 1)], n)]).state;
  t.is(walk(state, [refused('INTERNAL')]).state.memory.suspects.length, 2);
});

/** Five INTERNAL in a row at a lone change: it is accused, and the test of the link is on the way. */
const accusedByFaults = () => {
  let state = walk(fresh(), [...started, loaded()]).state;
  for (let n = 2; n < 6; n++)
    state = walk(state, [refused('INTERNAL'), { type: 'retry-due' }, loaded([change(1, 1)], n)]).state;
  const probing = walk(state, [refused('INTERNAL'), loaded([], 6)]).state;
  if (probing.memory.accused === null) throw new Error('expected an accused change');
  return probing;
};

test('I6: a Core that is ill for some seconds parks nothing, whatever it answers to the test of the link', (t) => {
  const endings: readonly UplinkEvent[] = [
    refused('INTERNAL'),
    refused('UNAVAILABLE'),
    refused('RATE_LIMITED'),
    { type: 'timeout' },
    { type: 'network-failed', mayHaveArrived: false, detail: '' },
    { type: 'network-failed', mayHaveArrived: true, detail: '' },
  ];
  for (const ending of endings) {
    const ill = walk(accusedByFaults(), [ending]).state;
    t.is(ill.phase, 'waiting');
    t.like(ill.memory, { accused: null, suspects: [], serverFaults: 0 });
    let recovered = retried(ill).state;
    if (recovered.phase === 'loading') recovered = walk(recovered, [loaded([change(1, 1)], 7)]).state;
    const { effects } = walk(recovered, [{ type: 'acked', ack: ackOf(pushOf(recovered)), bytes: 1 }]);
    t.deepEqual(effectOf(effects, 'deliver')?.delivery.parked, []);
  }
});

test('I6: a change at which a sound Core breaks is parked: the test of the link is acknowledged at once', (t) => {
  const state = accusedByFaults();
  const { effects } = walk(state, [{ type: 'acked', ack: ackOf(pushOf(state)), bytes: 1 }]);
  t.like(effectOf(effects, 'deliver')?.delivery.parked[0], { change: { seq: 1 }, reason: { code: 'INTERNAL' } });
});

test('I6: each halving of a batch at which the Core breaks waits its pause', (t) => {
  let state = walk(fresh(), [...started, loaded(manyChanges(4), 1)]).state;
  for (let n = 2; n < 6; n++)
    state = walk(state, [refused('INTERNAL'), { type: 'retry-due' }, loaded(manyChanges(4), n)]).state;
  const halved = walk(state, [refused('INTERNAL')]);
  t.is(halved.state.phase, 'waiting');
  t.true((effectOf(halved.effects, 'schedule')?.delayMs ?? 0) >= 2000);
  const again = walk(halved.state, [{ type: 'retry-due' }]);
  t.is(effectOf(again.effects, 'load-batch')?.request.only?.length, 2);
});

test('I6: UNAVAILABLE is waited out however often it comes, and no change is ever suspected for it', (t) => {
  let state = walk(fresh(), [...started, loaded(manyChanges(4), 1)]).state;
  for (let n = 2; n < 40; n++) {
    const code = n % 4 === 0 ? 'UNAVAILABLE' : 'INTERNAL';
    const waiting = walk(state, [refused(n < 20 ? code : 'UNAVAILABLE')]);
    t.true((effectOf(waiting.effects, 'schedule')?.delayMs ?? 0) > 0);
    t.like(waiting.state.memory, { suspects: [], accused: null, blocked: null });
    state = walk(waiting.state, [{ type: 'retry-due' }, helloOf(), loaded(manyChanges(4), n)]).state;
  }
});

test('I2: an acknowledgement for another push, or one that names no change of ours, acknowledges nothing', (t) => {
  const pushed = walk(fresh(), [...started, loaded()]).state;
  const ack = ackOf(pushOf(pushed));
  for (const wrong of [
    { ...ack, pushSeq: 2 },
    { ...ack, epoch: entity(9) },
    { ...ack, results: [] },
    { ...ack, results: [{ seq: 1, id: entity(8), outcome: 'applied' as const }] },
  ]) {
    const { state, effects } = walk(pushed, [{ type: 'acked', ack: wrong, bytes: 1 }]);
    t.is(state.phase, 'waiting');
    t.is(effectOf(effects, 'deliver'), undefined);
  }
});

test('a change that the Core parks is parked here with its reason, and the rest is done', (t) => {
  const pushed = walk(fresh(), [...started, loaded(manyChanges(2))]).state;
  const ack = ackOf(pushOf(pushed));
  const reason = { code: 'VERSION_CONFLICT', detail: 'forked' } as const;
  const results = ack.results.map((each) => (each.seq === 1 ? { ...each, outcome: 'parked' as const, reason } : each));
  const delivery = effectOf(
    walk(pushed, [{ type: 'acked', ack: { ...ack, results }, bytes: 1 }]).effects,
    'deliver',
  )?.delivery;
  t.deepEqual(
    delivery?.done.map((each) => each.change.seq),
    [2],
  );
  t.like(delivery?.parked[0], { change: { seq: 1 }, reason });
});

test('the clock skew is measured at the middle of the exchange, and never from a resend', (t) => {
  const pushed = walk(fresh(), [{ at: 1000 }, ...started, loaded()]).state;
  const first = walk(pushed, [{ type: 'acked', ack: ackOf(pushOf(pushed), 600), bytes: 1 }], 1200);
  t.is(effectOf(first.effects, 'deliver')?.delivery.clockSkewMs, 500);
  const resent = walk(
    pushed,
    [{ type: 'network-failed', mayHaveArrived: true, detail: '' }, { type: 'retry-due' }],
    1000,
  ).state;
  const second = walk(resent, [{ type: 'acked', ack: ackOf(pushOf(resent), 600), bytes: 1 }], 90_000);
  t.is(effectOf(second.effects, 'deliver')?.delivery.clockSkewMs, null);
});

test('a change of network makes a handshake due, whatever is under way: the Core may be another', (t) => {
  const loading = walk(fresh(), started).state;
  const pushing = walk(loading, [{ type: 'network-changed' }, loaded()]).state;
  t.is(pushing.phase, 'pushing', 'what is under way ends first');
  const acked: UplinkEvent = { type: 'acked', ack: ackOf(pushOf(pushing)), bytes: 1 };
  t.is(walk(pushing, [acked, { type: 'stored' }]).state.phase, 'greeting');
  const second = walk(loading, [loaded(), { type: 'network-changed' }, acked, { type: 'stored' }]);
  t.is(second.state.phase, 'greeting');
  const third = walk(loading, [loaded(), acked, { type: 'network-changed' }, { type: 'stored' }]);
  t.is(third.state.phase, 'greeting');
  const idle = walk(loading, [{ type: 'nothing-loaded' }, { type: 'network-changed' }]);
  t.truthy(effectOf(idle.effects, 'hello'));
  const compares = walk(idle.state, [helloOf(), { type: 'batch-loaded', batch: batchOf([], 2) }]);
  const done = walk(compares.state, [
    { type: 'acked', ack: ackOf(pushOf(compares.state)), bytes: 1 },
    { type: 'stored' },
    { type: 'nothing-loaded' },
  ]);
  t.truthy(effectOf(done.effects, 'compare'), 'and a comparison follows it');
});
