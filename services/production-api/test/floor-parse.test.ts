import { limits } from '@sgp/shared/limits';
import test from 'ava';
import fc from 'fast-check';
import { parseFloorMessage } from '../src/floor/parse.ts';

const read = (kind: string, payload: string | Buffer, retain = false) =>
  parseFloorMessage('matriz', {
    topic: `sgp/matriz/m1/up/${kind}`,
    payload: Buffer.from(payload),
    retain,
    receivedAt: 1_800_000_000_000,
  });
const fault = (kind: string, payload: string | Buffer): string => {
  const entry = read(kind, payload);
  return entry.kind === 'bad' ? `${entry.code}: ${entry.detail}` : `accepted as ${entry.kind}`;
};

test('a message is read with its device, its arrival and the times as milliseconds', (t) => {
  const entry = read('state', '{"ts":"2026-11-22T09:58:00-03:00","state":"stopped","reason":"linha"}', true);
  t.deepEqual(entry, {
    kind: 'state',
    body: { ts: Date.UTC(2026, 10, 22, 12, 58), state: 'stopped', reason: 'linha' },
    device: 'm1',
    receivedAt: 1_800_000_000_000,
    retained: true,
    topic: 'sgp/matriz/m1/up/state',
  });
});

test('each kind of fault is named with the place that does not fit', (t) => {
  t.regex(fault('event', '{broken'), /^FLOOR_JSON_INVALID: Expected property name/);
  t.is(fault('event', ''), 'FLOOR_JSON_INVALID: The payload is empty.');
  t.is(
    fault('event', Buffer.from([0x22, 0xe1, 0x22])),
    'FLOOR_JSON_INVALID: The payload is not UTF-8 text (RFC 8259 §8.1).',
  );
  t.is(
    fault('state', '{"ts":1,"state":"on"}'),
    'FLOOR_SCHEMA_INVALID: state: Invalid option: expected one of "running"|"idle"|"stopped"|"fault"|"off"',
  );
  t.is(
    fault('telemetry', '{"ts":1,"values":{"speed":null}}'),
    'FLOOR_SCHEMA_INVALID: values.speed: Invalid input: expected number, received null',
  );
  t.is(
    fault('telemetry', '[{"ts":1,"values":{}},{"ts":2,"values":{"a":1e999}}]'),
    'FLOOR_SCHEMA_INVALID: 1.values.a: Invalid input: expected number, received Infinity',
  );
  t.is(
    fault('count', '{"ts":1,"id":"c","good":-1}'),
    'FLOOR_SCHEMA_INVALID: good: Too small: expected number to be >=0',
  );
  t.is(
    fault('count', `{"ts":1,"id":"c","good":${limits.floorCountMaxPieces + 1}}`),
    'FLOOR_SCHEMA_INVALID: good and scrap: at most 1000000 in one message',
  );
  t.is(fault('speed', '{}'), "FLOOR_TOPIC_UNKNOWN: 'speed' is not a message of the floor.");
  t.is(fault('state/x', '{}'), "FLOOR_TOPIC_UNKNOWN: 'state/x' is not a message of the floor.");
});

test('the excerpt of a refused message is short and has no control characters', (t) => {
  const entry = read('event', `\u0001\n${'x'.repeat(5000)}`);
  t.is(entry.kind === 'bad' ? entry.excerpt : null, `··${'x'.repeat(198)}`);
  t.is(entry.kind === 'bad' ? entry.sizeBytes : null, 5002);
});

test('text that no database can hold is replaced, in names too', (t) => {
  const entry = read('telemetry', '{"ts":1,"values":{"a\\u0000b":"x\\ud800y\\u0000"}}');
  t.deepEqual(entry.kind === 'telemetry' && entry.body, [{ ts: 1, values: { 'a\ufffdb': 'x\ufffdy\ufffd' } }]);
});

test('the end of a retained message and of a retained presence say nothing', (t) => {
  t.is(read('state', '').kind, 'none');
  const online = { topic: 'sgp/matriz/m1/online', payload: Buffer.alloc(0), retain: true, receivedAt: 1 };
  t.is(parseFloorMessage('matriz', online).kind, 'none');
});

test('whatever arrives, reading it never throws', (t) => {
  const topics = fc.oneof(
    fc.constantFrom('state', 'telemetry', 'count', 'event', 'scan', 'result').map((kind) => `sgp/matriz/m1/up/${kind}`),
    fc.constantFrom('sgp/matriz/_bus/refused', 'sgp/matriz/m1/online'),
    fc.string(),
  );
  const payloads = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.constant(Buffer.from('['.repeat(16_000))),
  );
  fc.assert(
    fc.property(topics, payloads, fc.boolean(), (topic, payload, retain) => {
      t.is(typeof parseFloorMessage('matriz', { topic, payload, retain, receivedAt: 1 }).kind, 'string');
    }),
    { numRuns: 2000 },
  );
});
