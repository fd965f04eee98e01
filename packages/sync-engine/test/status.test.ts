import { limits } from '@sgp/shared/limits';
import type { SyncState } from '@sgp/shared/sync';
import { type StatusFacts, syncState } from '@sgp/sync-engine/status';
import test from 'ava';
import fc from 'fast-check';

const now = 10_000_000;
const well: StatusFacts = {
  now,
  lastAckAt: now - 1000,
  sinceAckMs: 1000,
  offlineSince: null,
  failures: 0,
  blocked: null,
  pendingChanges: 0,
  oldestPendingAt: null,
  pendingMedia: 0,
  parkedChanges: 0,
};
const blocked = { code: 'NODE_BANNED', detail: '' } as const;

const cases: readonly (readonly [string, Partial<StatusFacts>, SyncState])[] = [
  ['acknowledged and nothing waits: ok', {}, 'ok'],
  ['an acknowledgement of two heartbeats ago still counts', { lastAckAt: now - limits.syncOkMaxAckAgeMs }, 'ok'],
  ['an acknowledgement older than two heartbeats: late', { lastAckAt: now - limits.syncOkMaxAckAgeMs - 1 }, 'late'],
  ['changes wait: syncing', { pendingChanges: 3, oldestPendingAt: now - 5000 }, 'syncing'],
  ['photos wait: syncing', { pendingMedia: 1 }, 'syncing'],
  [
    'a change waits longer than two minutes: late',
    { pendingChanges: 1, oldestPendingAt: now - limits.syncOkMaxPendingAgeMs - 1 },
    'late',
  ],
  ['an acknowledgement that is to come, because the clock was set back: late', { lastAckAt: now + 1 }, 'late'],
  [
    'an acknowledgement that only looks young, because the clock was set back by less than its age: late',
    { lastAckAt: now - 1000, sinceAckMs: limits.syncOkMaxAckAgeMs + 1 },
    'late',
  ],
  ['what a process before this one was told is being asked again: syncing', { sinceAckMs: null }, 'syncing'],
  [
    'a change of a time that is to come counts as waiting too long: late',
    { pendingChanges: 1, oldestPendingAt: now + 1 },
    'late',
  ],
  ['one failed attempt is no outage', { offlineSince: now - 100, failures: 1 }, 'ok'],
  ['two failed attempts: offline', { offlineSince: now - 400, failures: 2 }, 'offline'],
  ['a parked change needs a person: failed', { parkedChanges: 1 }, 'failed'],
  ['banned: paused', { blocked: { kind: 'paused', ...blocked } }, 'paused'],
  ['refused for good: failed', { blocked: { kind: 'failed', ...blocked } }, 'failed'],
  ['never acknowledged: unknown', { lastAckAt: null }, 'unknown'],
];

for (const [title, facts, state] of cases)
  test(title, (t) => {
    t.is(syncState({ ...well, ...facts }), state);
  });

test('I8: ok is never said with anything waiting, parked, blocked, out of reach or unacknowledged', (t) => {
  const ages = [-1000, 0, 1000, limits.syncOkMaxAckAgeMs, limits.syncOkMaxAckAgeMs + 1, 500_000];
  const time = fc.constantFrom(null, ...ages.map((age) => now - age));
  const few = fc.constantFrom(0, 0, 1);
  const facts = fc.record<StatusFacts>({
    now: fc.constant(now),
    lastAckAt: time,
    sinceAckMs: fc.constantFrom(null, ...ages.map(Math.abs)),
    offlineSince: time,
    failures: fc.constantFrom(0, 1, 2),
    blocked: fc.constantFrom(null, null, { kind: 'failed', ...blocked } as const),
    pendingChanges: few,
    oldestPendingAt: time,
    pendingMedia: few,
    parkedChanges: few,
  });
  let oks = 0;
  fc.assert(
    fc.property(facts, (each) => {
      if (syncState(each) !== 'ok') return;
      oks += 1;
      t.is(each.pendingChanges + each.pendingMedia + each.parkedChanges, 0);
      t.is(each.blocked, null);
      t.true(each.lastAckAt !== null && now - each.lastAckAt <= limits.syncOkMaxAckAgeMs && each.lastAckAt <= now);
      t.true(each.sinceAckMs !== null && each.sinceAckMs <= limits.syncOkMaxAckAgeMs);
      t.false(each.offlineSince !== null && each.failures >= 2);
    }),
    { numRuns: 2000 },
  );
  t.true(oks > 0, 'the facts must reach ok at all');
});
