import test from 'ava';
import { downTimes } from '../src/logic/availability.ts';
import { conflictText } from '../src/logic/sync-conflict.ts';
import { incidentsCsv } from '../src/logic/sync-csv.ts';

test('the table of the bar holds every stretch that was not up, cut to the window, newest first', (t) => {
  const incidents = [
    { startedAt: 900, endedAt: null },
    { startedAt: 50, endedAt: 150 },
    { startedAt: 10, endedAt: 20 },
  ];
  t.deepEqual(downTimes(incidents, { from: 120, to: 950 }, 1000, 900), [
    { from: 950, to: 1000, state: 'unknown' },
    { from: 900, to: 1000, state: 'down' },
    { from: 100, to: 120, state: 'unknown' },
    { from: 100, to: 150, state: 'down' },
  ]);
});

test('the file of the outages says 0 lost only where a comparison proved it', (t) => {
  const columns = { start: 'A', end: 'B', duration: 'C', peak: 'D', sent: 'E', lost: 'F' };
  const open = { startedAt: 0, endedAt: null, peakPending: 3, sent: 0, comparedAt: null };
  const proved = { startedAt: 0, endedAt: 90_000, peakPending: 37, sent: 37, comparedAt: 100_000 };
  t.is(
    incidentsCsv([open, proved], columns),
    '\uFEFFA (UTC);B (UTC);C (min);D;E;F\r\n' +
      '1970-01-01T00:00:00.000Z;;;3;0;\r\n' +
      '1970-01-01T00:00:00.000Z;1970-01-01T00:01:30.000Z;1,5;37;37;0\r\n',
  );
});

test('a version of a conflict reads as its value, as named values, or as the beginning of an entity', (t) => {
  t.is(conflictText('"Lona 440"'), 'Lona 440');
  t.is(conflictText('{"blocked":true,"reason":null,"more":{"a":1}}'), 'blocked: true · reason: —');
  t.is(conflictText('null'), '—');
  t.is(conflictText('cut short {'), 'cut short {');
  t.is(conflictText(JSON.stringify('x'.repeat(500))).length, 161);
});
