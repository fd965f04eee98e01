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

test('the file of the outages says how much was lost only where a comparison counted it', (t) => {
  const columns = {
    ...{ start: 'A', end: 'B', duration: 'C', cause: 'D', peak: 'E', sent: 'F', conflicts: 'G', lost: 'H' },
  };
  const open = {
    ...{ startedAt: 0, endedAt: null, cause: 'NETWORK', peakPending: 3, sent: 0, conflicts: 0 },
    ...{ comparedAt: null, lost: null, resent: 0 },
  };
  const counted = {
    ...{ startedAt: 0, endedAt: 90_000, cause: 'STOPPED', peakPending: 37, sent: 37, conflicts: 1 },
    ...{ comparedAt: 100_000, lost: 0, resent: 2 },
  };
  t.is(
    incidentsCsv([open, counted], columns, (cause) => cause.toLowerCase()),
    '\uFEFFA (UTC);B (UTC);C (min);D;E;F;G;H\r\n' +
      '1970-01-01T00:00:00.000Z;;;network;3;0;0;\r\n' +
      '1970-01-01T00:00:00.000Z;1970-01-01T00:01:30.000Z;1,5;stopped;37;37;1;0\r\n',
  );
});

test('a version of a conflict reads as its value, as named values, or as the beginning of an entity', (t) => {
  const words = { fields: { blocked: 'bloqueado', reason: 'motivo' }, yes: 'sim', no: 'não' };
  const text = (json: string, field: string | null = null) =>
    conflictText(json, field, words, (cents) => `R$ ${cents / 100}`);
  t.is(text('"Lona 440"', 'name'), 'Lona 440');
  t.is(text('1990', 'priceCents'), 'R$ 19.9');
  t.is(text('false', 'active'), 'não');
  t.is(text('{"blocked":true,"reason":null,"more":{"a":1}}', 'blocked'), 'bloqueado: sim · motivo: —');
  t.is(text('{"version":7}'), 'version: 7', 'a field without a name keeps its own');
  t.is(text('null', 'place'), '—');
  t.is(text('cut short {'), 'cut short {');
  t.is(text(JSON.stringify('x'.repeat(500))).length, 161);
});
