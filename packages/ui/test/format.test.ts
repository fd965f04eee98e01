import test from 'ava';
import { createFormatters, formatPhone, initials, parseMoney } from '../src/format.ts';

const pt = createFormatters('pt-BR', 'America/Sao_Paulo');
const en = createFormatters('en', 'America/Sao_Paulo');
const plain = (text: string) => text.replace(/\u00a0|\u202f/g, ' ');
const MINUTE = 60_000;
const DAY = 86_400_000;
/** Monday, 23 November 2026, 10:02:41 in São Paulo. */
const now = Date.parse('2026-11-23T13:02:41Z');

test('money comes from integer cents with the shop’s separators', (t) => {
  t.is(plain(pt.money(537_600)), 'R$ 5.376,00');
  t.is(plain(pt.money(1)), 'R$ 0,01');
  t.is(pt.moneyPlain(123_450), '1.234,50');
});

test('a typed amount becomes cents, whichever separator was used, and rubbish becomes null', (t) => {
  for (const [text, cents] of [
    ['1.234,50', 123_450],
    ['1234,5', 123_450],
    ['1,234.50', 123_450],
    ['44.80', 4_480],
    ['R$ 10', 1_000],
    ['1.234', 123_400],
    ['0', 0],
  ] as const)
    t.is(parseMoney(text), cents, text);
  for (const text of ['', 'abc', '1,2,3', '-5', '10,999,9']) t.is(parseMoney(text), null, text);
});

test('ages are short and carry no trailing dot', (t) => {
  t.is(pt.ago(now - 2 * MINUTE, now), 'há 2 min');
  t.is(pt.ago(now - 30_000, now), 'agora');
  t.is(pt.ago(now - 3 * 60 * MINUTE, now), 'há 3 h');
  t.is(pt.ago(now - 2 * DAY, now), 'há 2 dias');
  t.false(en.ago(now - 2 * MINUTE, now).endsWith('.'));
});

test('a day is counted in the zone of the shop, not in UTC', (t) => {
  const lateEvening = Date.parse('2026-11-24T01:30:00Z');
  t.is(pt.daysUntil(lateEvening, now), 0);
  t.is(pt.dayTime(lateEvening, now), 'hoje 22:30');
  t.is(pt.daysUntil(lateEvening + 2 * 60 * MINUTE, now), 1);
});

test('dates read as the shop says them', (t) => {
  t.is(pt.dayTime(Date.parse('2026-11-25T20:00:00Z'), now), 'qua 25/11, 17:00');
  t.is(pt.day(Date.parse('2028-01-02T15:00:00Z'), now), '02/01/2028');
  t.is(pt.longDay(now), 'Segunda-feira, 23 de novembro');
  t.is(pt.clock(now), '10:02:41');
});

test('durations keep two units at most', (t) => {
  t.is(pt.duration(41_000), '41 s');
  t.is(pt.duration(6 * MINUTE + 12_000), '6 min');
  t.is(pt.duration(72 * MINUTE), '1 h 12');
  t.is(pt.duration(3 * DAY), '3 d');
});

test('sizes grow from KB to GB', (t) => {
  t.is(pt.bytes(900), '1 KB');
  t.is(pt.bytes(4.2 * 1_048_576), '4,2 MB');
  t.is(pt.bytes(61 * 1_073_741_824), '61 GB');
});

test('a Brazilian phone is grouped, any other text is left alone', (t) => {
  t.is(formatPhone('+5547998124470'), '(47) 99812-4470');
  t.is(formatPhone('4734331102'), '(47) 3433-1102');
  t.is(formatPhone('ramal 12'), 'ramal 12');
});

test('an avatar takes first and last name', (t) => {
  t.is(initials('Rosana Maria Kuhn'), 'RK');
  t.is(initials('João'), 'JO');
  t.is(initials(''), '?');
});
