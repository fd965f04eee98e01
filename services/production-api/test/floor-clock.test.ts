import { limits } from '@sgp/shared/limits';
import test from 'ava';
import fc from 'fast-check';
import { createAway } from '../src/floor/away.ts';
import { fileSample, judgeTime, localDay } from '../src/floor/clock.ts';

const now = Date.UTC(2026, 10, 22, 12);
const minute = 60_000;
const hour = 60 * minute;
const year2000 = Date.UTC(2000, 0, 1);
const question = { receivedAt: now, retained: false, away: null, knownSkewMs: null };

test('a time within ten minutes of ours is believed and its skew measured', (t) => {
  for (const skewMs of [0, -10 * minute, 10 * minute])
    t.deepEqual(judgeTime({ ...question, ts: now + skewMs }), { at: now + skewMs, machineAt: null, skewMs });
});

test('a time from the year 2000, or from the future, is filed under the arrival and kept beside it', (t) => {
  for (const ts of [year2000, now + 11 * minute, Number.MAX_SAFE_INTEGER])
    t.deepEqual(judgeTime({ ...question, ts }), { at: now, machineAt: ts, skewMs: ts - now });
});

test('what the broker held while we were away keeps its own time, if the machine has a clock that was right', (t) => {
  const away = { from: now - 3 * hour, to: now };
  const held = { ...question, ts: now - 2 * hour, away };
  t.deepEqual(judgeTime({ ...held, knownSkewMs: 40 }), { at: now - 2 * hour, machineAt: null, skewMs: null });
  t.is(judgeTime({ ...held, knownSkewMs: null }).at, now, 'a clock that nobody measured');
  t.is(judgeTime({ ...held, knownSkewMs: -2 * hour }).at, now, 'a clock that was two hours behind before');
  t.is(judgeTime({ ...held, knownSkewMs: 40, ts: now - 5 * hour }).at, now, 'from before we were away');
  t.is(judgeTime({ ...held, knownSkewMs: 40, away: null }).at, now, 'we were not away');
});

test('an old retained message is no wrong clock, but one from the year 2000 is', (t) => {
  const retained = { ...question, retained: true };
  t.deepEqual(judgeTime({ ...retained, ts: now - 48 * hour }), { at: now - 48 * hour, machineAt: null, skewMs: null });
  t.deepEqual(judgeTime({ ...retained, ts: year2000 }), { at: now, machineAt: year2000, skewMs: null });
});

test('samples of one message keep their distance, under a right clock and under a wrong one', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: now + 365 * 24 * hour }),
      fc.array(fc.integer({ min: 0, max: 20 * 24 * hour }), { minLength: 1, maxLength: 20 }),
      (ts, ages) => {
        const answer = judgeTime({ ...question, ts });
        const filed = ages.map((age) => fileSample(ts - age, { ts, answer, receivedAt: now }));
        for (const [index, { at, skewMs }] of filed.entries()) {
          t.is(answer.at - at, ages[index] as number);
          t.is(at + skewMs, ts - (ages[index] as number), 'the machine’s own time can be had back');
        }
      },
    ),
  );
});

test('one sample from the year 2000 among right ones is filed under the arrival', (t) => {
  const answer = judgeTime({ ...question, ts: now });
  t.deepEqual(fileSample(year2000, { ts: now, answer, receivedAt: now }), { at: now, skewMs: year2000 - now });
});

test('the time away lasts from the last stored batch until the subscriptions stand', (t) => {
  let connected = false;
  const away = createAway(1_000, () => connected);
  t.deepEqual(away.window(5_000), { from: 1_000, to: 5_000 });
  away.heard(5_000); // sent before the subscriptions were confirmed: part of what was kept for us
  connected = true;
  away.back(6_000);
  away.heard(7_000);
  t.deepEqual(away.window(7_000), { from: 1_000, to: 6_000 });
  connected = false;
  t.deepEqual(away.window(9_000), { from: 7_000, to: 9_000 });
  t.is(createAway(null, () => true).window(1), null);
});

test('a day begins at the shop’s own midnight', (t) => {
  t.is(localDay(Date.UTC(2026, 10, 22, 2, 59, 59, 999), 'America/Sao_Paulo'), '2026-11-21');
  t.is(localDay(Date.UTC(2026, 10, 22, 3), 'America/Sao_Paulo'), '2026-11-22');
  t.is(limits.floorClockSkewMaxMs, 10 * minute);
});
