import test from 'ava';
import fc from 'fast-check';
import { type SignalLine, stateSpans } from '../src/floor/state-spans.ts';

const state = (at: number, code: string): SignalLine => ({ at, kind: 'state', code, data: {} });
const signal = (at: number, code: string, since?: number): SignalLine => ({
  at,
  kind: 'signal',
  code,
  data: since === undefined ? {} : { since },
});
const shown = (lines: readonly SignalLine[], from: number, to: number, silentSince: number | null = null) =>
  stateSpans(lines, from, to, silentSince).map(
    (span) => `${span.from}-${span.to} ${span.signal ? (span.state ?? 'unknown') : 'gap'}`,
  );

test('a machine that went offline leaves a gap, and its state is known again afterwards', (t) => {
  const lines = [state(0, 'running'), signal(40, 'offline'), signal(60, 'online'), state(80, 'idle')];
  t.deepEqual(shown(lines, 10, 100), ['10-40 running', '40-60 gap', '60-80 running', '80-100 idle']);
});

test('a silence is a gap from the last word on, also where it ended after the time shown', (t) => {
  const lines = [state(0, 'running'), signal(90, 'heard', 20)];
  t.deepEqual(shown(lines, 0, 100), ['0-20 running', '20-90 gap', '90-100 running']);
  t.deepEqual(shown([state(0, 'running'), signal(500, 'heard', 20)], 0, 100), ['0-20 running', '20-100 gap']);
  t.deepEqual(shown([state(0, 'running'), signal(60, 'silent', 20)], 0, 100), ['0-20 running', '20-100 gap']);
  t.deepEqual(shown([state(0, 'running')], 0, 100, 70), ['0-70 running', '70-100 gap']);
});

test('a broker that was off makes a gap from when the machine was last seen, also where it told after the time shown', (t) => {
  const lines = [state(0, 'running'), signal(60, 'offline', 20), signal(70, 'online')];
  t.deepEqual(shown(lines, 0, 100), ['0-20 running', '20-70 gap', '70-100 running']);
  t.deepEqual(shown(lines.slice(0, 2), 0, 50), ['0-20 running', '20-50 gap']);
});

test('before a machine was ever heard there is no signal', (t) => {
  t.deepEqual(shown([], 0, 100), ['0-100 gap']);
  t.deepEqual(shown([signal(20, 'online'), state(30, 'idle')], 0, 100), ['0-20 gap', '20-30 unknown', '30-100 idle']);
  t.deepEqual(shown([state(30, 'idle')], 0, 100), ['0-30 gap', '30-100 idle'], 'a broker that tells no presence');
});

test('a state that came late out of a gap does not end the gap', (t) => {
  t.deepEqual(shown([state(0, 'running'), signal(20, 'offline'), state(50, 'idle'), signal(80, 'online')], 0, 100), [
    '0-20 running',
    '20-80 gap',
    '80-100 idle',
  ]);
});

test('spans cover the time asked without holes, and neighbours differ', (t) => {
  const line = fc.oneof(
    fc.tuple(fc.nat(200), fc.constantFrom('running', 'idle', 'fault')).map(([at, code]) => state(at, code)),
    fc.tuple(fc.nat(200), fc.constantFrom('online', 'offline', 'clock')).map(([at, code]) => signal(at, code)),
    fc.tuple(fc.nat(200), fc.nat(200)).map(([at, since]) => signal(at, 'heard', Math.min(at, since))),
  );
  fc.assert(
    fc.property(fc.array(line), fc.nat(200), fc.nat(200), (lines, from, length) => {
      const spans = stateSpans(lines, from, from + length, null);
      let end = from;
      for (const [index, span] of spans.entries()) {
        t.is(span.from, end);
        t.true(span.to > span.from);
        end = span.to;
        const before = spans[index - 1];
        t.false(before?.state === span.state && before.signal === span.signal);
      }
      t.is(end, from + length);
    }),
  );
});
