import test from 'ava';
import { createWhen } from '../src/logic/when.ts';

const now = Date.parse('2026-11-23T17:00:00Z'); // Monday 14:00 in São Paulo
const joinville = createWhen('pt-BR', 'America/Sao_Paulo');

test("days are said in the shop's words and its own time zone", (t) => {
  t.is(joinville.promise('2026-11-25T20:00:00Z', now), 'quarta, 25/11, 17 h');
  t.is(joinville.promise('2026-11-25T20:30:00Z', now), 'quarta, 25/11, 17:30');
  t.is(joinville.promise('2026-11-23T20:00:00Z', now), 'hoje, 23/11, 17 h');
  t.is(joinville.promise('2026-11-24T20:00:00Z', now), 'amanhã, 24/11, 17 h');
  t.is(joinville.day('2026-11-28T12:00:00Z', now), 'sábado, 28/11');
  t.is(joinville.moment('2026-11-12T18:20:00Z', now), 'qui 12/11, 15:20');
  t.is(joinville.moment('2026-11-23T11:14:00Z', now), 'hoje, 8:14');
  t.is(joinville.short('2026-11-20T11:14:00Z', now), '20/11');
});

test('midnight between two zones: the day is that of the shop', (t) => {
  const manaus = createWhen('pt-BR', 'America/Manaus');
  const instant = '2026-11-24T03:30:00Z'; // 0:30 in São Paulo, 23:30 of the day before in Manaus
  t.is(joinville.daysUntil(instant, now), 1);
  t.is(manaus.daysUntil(instant, now), 0);
});

test('a promise at midnight names no hour, and another year is written out', (t) => {
  t.is(joinville.promise('2026-11-25T03:00:00Z', now), 'quarta, 25/11');
  t.regex(joinville.day('2027-12-01T15:00:00Z', now), /01\/12\/2027$/);
});

test('English has its own words', (t) => {
  const when = createWhen('en', 'America/Sao_Paulo');
  t.is(when.promise('2026-11-25T20:00:00Z', now), 'Wednesday, Nov 25, 17:00');
  t.is(when.moment('2026-11-23T11:14:00Z', now), 'today, 08:14');
});

test('a zone that this phone does not know does not cost the page', (t) => {
  t.is(createWhen('pt-BR', 'Mars/Olympus').day('2026-11-25T20:00:00Z', now), 'quarta, 25/11');
});
