import { canonicalJson } from '@sgp/shared/canonical-json';
import { errorCodes, httpStatusByCode, isErrorCode } from '@sgp/shared/errors';
import { floorMessageSchemas } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import { floorKinds, parseDeviceUsername, parseUpTopic, topics } from '@sgp/shared/topics';
import test from 'ava';
import fc from 'fast-check';

// RFC 8785 §3.2.3, the sorting example.
test('canonical JSON sorts members by UTF-16 code units', (t) => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew',
    '1': 'One',
    '\ud83d\ude00': 'Emoji',
    '\u0080': 'Control',
    '\u00f6': 'o',
  };
  t.deepEqual(Object.values(JSON.parse(canonicalJson(value).replace('"1":"One",', '')) as object), [
    'Carriage Return',
    'Control',
    'o',
    'Euro Sign',
    'Emoji',
    'Hebrew',
  ]);
});

// RFC 8785 Appendix B.
test('canonical JSON writes numbers as ECMAScript does', (t) => {
  t.is(
    canonicalJson([Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0]),
    '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
  );
  t.throws(() => canonicalJson(Number.NaN), { instanceOf: TypeError });
});

test('canonical JSON does not depend on the order of members and parses back to the same value', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as never);
      return (
        text === canonicalJson(JSON.parse(text)) &&
        JSON.stringify(JSON.parse(text)) ===
          JSON.stringify(JSON.parse(canonicalJson(JSON.parse(JSON.stringify(value)))))
      );
    }),
  );
  t.is(canonicalJson({ b: 1, a: undefined, c: [{ z: 1, y: 2 }] }), '{"b":1,"c":[{"y":2,"z":1}]}');
});

test('every error code has an HTTP status of 4xx or 5xx', (t) => {
  for (const code of errorCodes) t.true(httpStatusByCode[code] >= 400 && httpStatusByCode[code] < 600, code);
  t.false(isErrorCode('toString'));
});

test('topics are read back as they were built', (t) => {
  for (const kind of floorKinds)
    t.deepEqual(parseUpTopic(topics.up('loja', 'serra1', kind)), { est: 'loja', device: 'serra1', kind, rest: kind });
  t.is(parseUpTopic('sgp/loja/serra1/up/other')?.kind, null);
  t.is(parseUpTopic('sgp/loja/serra1/down/command'), null);
  t.is(parseUpTopic('sgp/loja/+/up/state'), null);
});

test('a user name with a wildcard, a slash or a service mark is no device', (t) => {
  t.deepEqual(parseDeviceUsername('loja.serra1'), { est: 'loja', device: 'serra1' });
  for (const name of ['loja.+', '#.a', 'a/b.c', '_bridge', 'LOJA.a', 'loja', 'a.b.c', `${'a'.repeat(33)}.b`, ''])
    t.is(parseDeviceUsername(name), null, name);
});

test('a floor message takes milliseconds or ISO time and refuses anything else', (t) => {
  const { state, telemetry, count } = floorMessageSchemas;
  t.is(state.parse({ ts: '2026-11-22T01:00:00-03:00', state: 'running' }).ts, Date.UTC(2026, 10, 22, 4));
  t.is(state.safeParse({ ts: 'yesterday', state: 'running' }).success, false);
  t.is(state.safeParse({ ts: 1, state: 'dancing' }).success, false);
  t.is(telemetry.parse({ ts: 1, values: { a: 1, b: true, c: 'x' } }).length, 1);
  t.is(
    telemetry.parse([
      { ts: 1, values: { a: 1 } },
      { ts: 2, values: { a: 2 } },
    ]).length,
    2,
  );
  t.is(telemetry.safeParse([]).success, false);
  const many = Object.fromEntries(
    Array.from({ length: limits.telemetryValuesPerSampleMax + 1 }, (_, index) => [`v${index}`, 1]),
  );
  t.is(telemetry.safeParse({ ts: 1, values: many }).success, false);
  t.deepEqual(count.parse({ ts: 1, id: 7, good: 2 }), { ts: 1, id: '7', good: 2, scrap: 0 });
});
