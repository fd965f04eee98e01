import type { BusMessage } from '@sgp/service-kit/bus-intake';
import { type Database, isPostgres } from '@sgp/service-kit/database';
import { createMetrics } from '@sgp/service-kit/metrics';
import { limits } from '@sgp/shared/limits';
import type { ExecutionContext, TestFn } from 'ava';
import fc from 'fast-check';
import type { AwayWindow } from '../src/floor/away.ts';
import { localDay } from '../src/floor/clock.ts';
import { createFloorMetrics } from '../src/floor/floor-metrics.ts';
import { createFloorStore } from '../src/floor/floor-store.ts';
import { createIngest } from '../src/floor/ingest.ts';
import { openListening } from '../src/floor/listening.ts';
import { createLiveMachines } from '../src/floor/live.ts';
import { createOrderLookup } from '../src/floor/order-lookup.ts';
import { prune } from '../src/floor/retention.ts';
import { bucketLength } from '../src/floor/series.ts';
import { stateSpans } from '../src/floor/state-spans.ts';
import { createTelemetryWriter } from '../src/floor/telemetry-writer.ts';
import type { OrderPort } from '../src/orders/order-port.ts';

/** What both engines must do with the floor's messages, as one suite. */

export const timeZone = 'America/Sao_Paulo';
const silent = { error() {}, warn() {}, info() {}, debug() {} };
const order = { orderId: '01a20114-61ad-7bf6-a616-8ff0c67ed4f3', number: '2847', customer: 'Escola Vila' };
const minute = 60_000;
const day = 24 * 60 * minute;
const year2000 = Date.UTC(2000, 0, 1);

const findOrder: OrderPort['find'] = async (ref) => (ref.includes(order.number) ? order : null);

export async function openFloor(
  db: Database,
  away: AwayWindow | null = null,
  find = findOrder,
  listenedUntil: number | null = null,
) {
  const store = createFloorStore(db);
  const live = createLiveMachines(await store.known(localDay(Date.now(), timeZone)));
  const ingest = createIngest({
    est: 'matriz',
    timeZone: () => timeZone,
    writer: createTelemetryWriter(db),
    live,
    orders: createOrderLookup({ find }),
    machines: {
      bySlug: (slug) => (/^m\d$/.test(slug) ? slug : undefined),
      byUsername: (name) => (name.startsWith('matriz.m') ? name.slice(7) : undefined),
    },
    away: { window: () => away },
    listening: { until: () => listenedUntil },
    metrics: createFloorMetrics(createMetrics('test')),
    log: silent,
    committed() {},
  });
  return { store, live, ingest };
}

export const up = (
  kind: string,
  body: unknown,
  receivedAt = Date.now(),
  more: Partial<BusMessage> = {},
): BusMessage => ({
  topic: `sgp/matriz/m1/up/${kind}`,
  payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  retain: false,
  receivedAt,
  ...more,
});

/** @param openDb an empty, migrated telemetry.db for one test, closed after it */
export function floorContract(test: TestFn, openDb: (t: ExecutionContext) => Promise<Database>): void {
  const lines = async (db: Database) => (await createFloorStore(db).log('m1', { limit: 500 })).lines.toReversed();

  test('a batch that comes twice is stored once', async (t) => {
    const db = await openDb(t);
    const now = Date.now();
    const batch = [
      up('state', { ts: now, state: 'running' }, now),
      up('state', { ts: now + 1, state: 'running' }, now + 1),
      up('state', { ts: now + 2, state: 'idle', reason: 'linha' }, now + 2),
      up(
        'telemetry',
        [
          { ts: now, values: { speed: 1.5, on: true } },
          { ts: now + 1, values: { speed: 2, name: 'a' } },
        ],
        now,
      ),
      up('count', { ts: now, id: 'c1', good: 3, scrap: 1, order: '2847' }, now),
      up('event', { ts: now, id: 7, level: 'warn', code: 'thread', text: 'Linha arrebentou' }, now),
      up('scan', { ts: now, id: 's1', code: 'https://x/2847' }, now),
      up('result', { id: 'r1', ok: true }, now),
      up('telemetry', { ts: year2000, values: { speed: 9 } }, now + 3),
      up('state', { ts: year2000, state: 'fault' }, now + 3),
    ];
    const { ingest } = await openFloor(db);
    await ingest.commit(batch);
    const before = { lines: await lines(db), samples: await db('samples').select() };
    t.deepEqual(
      before.lines.map(({ kind, code }) => `${kind} ${code}`).sort(),
      ['count count', 'event thread', 'result done', 'scan order', 'state fault', 'state idle', 'state running']
        .concat(['signal clock'])
        .sort(),
    );
    t.is(before.samples.length, 5);
    // Once more as the broker would after our death: to a new process, later.
    const again = await openFloor(db);
    await again.ingest.commit(batch.map((message) => ({ ...message, receivedAt: message.receivedAt + 5_000 })));
    t.deepEqual(await lines(db), before.lines);
    t.deepEqual(await db('samples').select(), before.samples);
    t.deepEqual(again.live.today('m1', localDay(now, timeZone)), { good: 3, scrap: 1 });
    t.is((await db('count_deliveries').select()).length, 1);
    t.is(again.live.status('m1').state, 'fault');
  });

  test('the memory that is read at start equals the memory that was kept', async (t) => {
    const db = await openDb(t);
    const { ingest, live } = await openFloor(db);
    const now = Date.now();
    await ingest.commit([
      up('state', { ts: now, state: 'running', reason: 'turno' }),
      up('telemetry', { ts: now, values: { speed: 784.5, on: false, program: 'logo', words: '1' } }),
      up('telemetry', { ts: now - 10, values: { speed: 1 } }),
      up('count', { ts: now, id: 'c1', good: 3, scrap: 1 }),
      up('scan', { ts: now, id: 's', code: '2847' }),
      up('event', '{'),
      { ...up('x', { online: true, at: now }), topic: 'sgp/matriz/m1/online', retain: true },
    ]);
    const { live: fresh } = await openFloor(db);
    const today = localDay(now, timeZone);
    for (const memory of [live, fresh]) {
      t.deepEqual(memory.status('m1'), fresh.status('m1'));
      t.deepEqual(memory.today('m1', today), { good: 3, scrap: 1 });
      t.deepEqual(memory.today('m1', '2026-01-01'), { good: 0, scrap: 0 });
      t.deepEqual(
        memory.metrics('m1').map(({ name, value }) => [name, value]),
        [
          ['on', false],
          ['program', 'logo'],
          ['speed', 784.5],
          ['words', '1'],
        ],
      );
      t.is(memory.refusedCount('m1'), 1);
      t.deepEqual(memory.status('m1').order, order);
      t.is(memory.status('m1').online, true);
    }
  });

  test('a state only wins when it is not older, and a repeat of the same state is no line', async (t) => {
    const db = await openDb(t);
    const { ingest, live } = await openFloor(db);
    const now = Date.now();
    await ingest.commit([
      up('state', { ts: now - 3000, state: 'running' }),
      up('state', { ts: now - 1000, state: 'stopped' }),
      up('state', { ts: now - 2000, state: 'idle' }),
      up('state', { ts: now, state: 'stopped' }),
    ]);
    t.like(live.status('m1'), { state: 'stopped', stateSince: now - 1000, stateAt: now });
    t.deepEqual(
      (await lines(db)).map(({ code }) => code),
      ['running', 'idle', 'stopped'],
    );
  });

  test('a clock that stands still at one time still tells its changes of state', async (t) => {
    const db = await openDb(t);
    const { ingest, live } = await openFloor(db);
    const now = Date.now();
    const states = ['running', 'idle', 'running', 'idle'];
    for (const [index, state] of states.entries()) await ingest.commit([up('state', { ts: 0, state }, now + index)]);
    t.deepEqual(
      (await lines(db)).map(({ code, at, machineAt, mark }) => ({ code, at, machineAt, mark })),
      states.map((code, index) => ({ code, at: now + index, machineAt: 0, mark: 'FLOOR_CLOCK_SKEW' })),
    );
    t.is(live.status('m1').state, 'idle');
  });

  test('samples under a wrong clock are all kept in order, marked with one line, and counted', async (t) => {
    const db = await openDb(t);
    const { ingest, live, store } = await openFloor(db);
    const now = Date.now();
    // Two messages in one millisecond of ours, three samples each.
    const message = (ts: number) =>
      up(
        'telemetry',
        [0, 1, 2].map((n) => ({ ts: ts + n * 1000, values: { speed: ts + n } })),
        now,
      );
    await ingest.commit([message(year2000), message(year2000 + 500)]);
    const rows = await db('samples').orderBy(['at', 'skew_ms']).select('at', 'skew_ms', 'number');
    t.is(rows.length, 6);
    t.deepEqual(
      rows.map((row) => row.at + row.skew_ms).sort(),
      [0, 500, 1000, 1500, 2000, 2500].map((n) => year2000 + n),
    );
    t.deepEqual([...new Set(rows.map((row) => now - row.at))], [2000, 1000, 0]);
    t.deepEqual(
      (await lines(db)).map(({ kind, code, mark }) => [kind, code, mark]),
      [['signal', 'clock', 'FLOOR_CLOCK_SKEW']],
    );
    t.deepEqual((await store.refusals('m1')).counts, [{ code: 'FLOOR_CLOCK_SKEW', count: 2, lastAt: now }]);
    t.is(live.refusedCount('m1'), 0);
    t.is(live.status('m1').clockSkewMs, year2000 + 2500 - now);
  });

  test('what the broker held while we were away is filed under its own time', async (t) => {
    const db = await openDb(t);
    const now = Date.now();
    const { ingest } = await openFloor(db);
    await ingest.commit([
      up('event', { ts: now - 60 * minute, id: 'a', level: 'info', code: 'a', text: '' }, now - 60 * minute),
    ]);
    const { ingest: later } = await openFloor(db, { from: now - 60 * minute, to: now });
    await later.commit([up('event', { ts: now - 30 * minute, id: 'b', level: 'info', code: 'b', text: '' }, now)]);
    t.like((await lines(db)).at(-1), { code: 'b', at: now - 30 * minute, mark: null });
  });

  test('a count goes to the order that it names, else to the one scanned, and to none when it names an unknown one', async (t) => {
    const db = await openDb(t);
    const { ingest, live } = await openFloor(db);
    const count = (id: string, named?: string) =>
      up('count', { ts: Date.now(), id, good: 1, ...(named && { order: named }) });
    await ingest.commit([count('before'), count('named', '2847')]);
    t.deepEqual(live.status('m1').order, order, 'a machine that names its order is at work on it');
    await ingest.commit([
      up('scan', { ts: Date.now(), id: 's', code: 'https://shop.example/p/2847' }),
      count('scanned'),
      count('other', '9999'),
      up('count', { ts: Date.now(), id: 'zero', good: 0 }),
    ]);
    const waiting = await db('count_deliveries').orderBy('line_id').select('message_id', 'order_id', 'good');
    t.deepEqual(
      waiting,
      ['named', 'scanned'].map((message_id) => ({ message_id, order_id: order.orderId, good: 1 })),
    );
    t.like(
      (await lines(db)).find(({ data }) => data['id'] === 'other'),
      { level: 'warn', code: 'order_unknown', data: { order: '9999' } },
    );
  });

  test('another message under an id that was used is refused where a person sees it', async (t) => {
    const db = await openDb(t);
    const { ingest, store, live } = await openFloor(db);
    const now = Date.now();
    const count = (ts: number, good: number) => up('count', { ts, id: 1, good });
    await ingest.commit([count(now, 5), count(now + 1, 7), count(now, 5), count(now + 1, 7)]);
    t.deepEqual(live.today('m1', localDay(now, timeZone)), { good: 5, scrap: 0 });
    t.deepEqual((await store.refusals('m1')).counts, [
      { code: 'FLOOR_SCHEMA_INVALID', count: 1, lastAt: (await lines(db)).at(-1)?.at ?? 0 },
    ]);
    t.regex((await lines(db)).at(-1)?.text ?? '', /^id: '1' came before with another ts/);
  });

  test('a message that cannot be used is stored with its reason, and those around it arrive', async (t) => {
    const db = await openDb(t);
    const { ingest, store, live } = await openFloor(db);
    const good = (id: string) => up('event', { ts: Date.now(), id, level: 'info', code: id, text: '' });
    await ingest.commit([
      good('a'),
      up('event', '{broken'),
      up('state', { ts: 1, state: 'dancing' }),
      up('speed', { ts: 1 }),
      { ...good('x'), topic: 'sgp/matriz/zz/up/event' },
      { ...good('x'), topic: 'elsewhere' },
      good('b'),
    ]);
    const { counts, last } = await store.refusals('m1');
    t.deepEqual(counts.map(({ code, count }) => [code, count]).sort(), [
      ['FLOOR_JSON_INVALID', 1],
      ['FLOOR_SCHEMA_INVALID', 1],
      ['FLOOR_TOPIC_UNKNOWN', 1],
    ]);
    t.like(last.at(-1), {
      code: 'FLOOR_JSON_INVALID',
      topic: 'sgp/matriz/m1/up/event',
      excerpt: '{broken',
      sizeBytes: 7,
    });
    t.is(live.refusedCount('m1'), 3);
    t.deepEqual((await store.refusals('')).counts.map(({ code }) => code).sort(), ['FLOOR_TOPIC_UNKNOWN', 'NOT_FOUND']);
    t.deepEqual(
      (await lines(db)).filter(({ kind }) => kind === 'event').map(({ code }) => code),
      ['a', 'b'],
    );
  });

  test('a refusal of the broker is counted once, at the machine whose name was given', async (t) => {
    const db = await openDb(t);
    const { ingest, store } = await openFloor(db);
    const refusal = (id: string, username: string | null) => ({
      ...up('x', {
        id,
        at: 5,
        code: 'MQTT_CREDENTIALS_INVALID',
        username,
        clientId: 'c',
        topic: null,
        remoteAddress: '10.0.0.7',
        sizeBytes: null,
        excerpt: null,
      }),
      topic: 'sgp/matriz/_bus/refused',
    });
    const one = '01a20114-61ad-7bf6-a616-8ff0c67ed4f3';
    await ingest.commit([
      refusal(one, 'matriz.m1'),
      refusal(one, 'matriz.m1'),
      refusal('01a20114-61ad-7bf6-a616-8ff0c67ed4f4', null),
    ]);
    t.like((await store.refusals('m1')).counts, [{ code: 'MQTT_CREDENTIALS_INVALID', count: 1, lastAt: 5 }]);
    t.like((await store.refusals('')).last, [{ username: null, clientId: 'c' }]);
  });

  test('a message that breaks its transaction is refused alone', async (t) => {
    const db = await openDb(t);
    const { ingest } = await openFloor(db);
    // A fault that no check foresees: here a table that refuses one value.
    await db.raw(
      isPostgres(db)
        ? "alter table machine_log add check (text <> 'poison')"
        : "create trigger poison before insert on machine_log when new.text = 'poison' begin select raise(abort, 'poison'); end",
    );
    const event = (id: number, text: string) => up('event', { ts: Date.now(), id, level: 'info', code: 'e', text });
    await ingest.commit([...Array(9).keys()].map((id) => event(id, id === 4 ? 'poison' : `${id}`)));
    const stored = await lines(db);
    t.deepEqual(
      stored.filter(({ kind }) => kind === 'event').map(({ text }) => text),
      ['0', '1', '2', '3', '5', '6', '7', '8'],
    );
    t.like(
      stored.find(({ kind }) => kind === 'refused'),
      { code: 'INTERNAL', mark: 'INTERNAL' },
    );
  });

  test('while the database cannot store a message that is sound, the batch is rejected and nothing of it is refused', async (t) => {
    const db = await openDb(t);
    const { ingest, live } = await openFloor(db);
    const now = Date.now();
    const batch = [up('count', { ts: now, id: 'c', good: 3 }, now)];
    await ingest.commit([up('state', { ts: now, state: 'running' }, now)]);
    await db.schema.renameTable('machine_counts', 'gone');
    await t.throwsAsync(ingest.commit(batch), { message: /machine_counts/ });
    t.is((await lines(db)).length, 1);
    await db.schema.renameTable('gone', 'machine_counts');
    await ingest.commit(batch);
    t.deepEqual(live.today('m1', localDay(now, timeZone)), { good: 3, scrap: 0 });
    t.deepEqual(
      (await lines(db)).map(({ kind }) => kind),
      ['state', 'count'],
    );
  });

  test('while orders cannot be looked up the batch is rejected; afterwards the count goes to its order', async (t) => {
    const db = await openDb(t);
    let down = true;
    const { ingest } = await openFloor(db, null, async (ref) => {
      // What the driver says when its database was closed.
      if (down) throw new TypeError('The database connection is not open');
      return findOrder(ref);
    });
    const batch = [up('count', { ts: Date.now(), id: 'c', good: 3, order: order.number })];
    await t.throwsAsync(ingest.commit(batch), { message: /not open/ });
    t.deepEqual(await lines(db), []);
    down = false;
    await ingest.commit(batch);
    t.like((await db('count_deliveries').select())[0], { order_id: order.orderId, good: 3 });
  });

  test('a machine that invents names keeps its first metrics and is told so once a day', async (t) => {
    const db = await openDb(t);
    const { ingest, live } = await openFloor(db);
    const now = Date.now();
    for (let first = 0; first < 300; first += 60)
      await ingest.commit([
        up(
          'telemetry',
          { ts: now, values: Object.fromEntries([...Array(60).keys()].map((n) => [`n${first + n}`, n])) },
          now,
        ),
      ]);
    t.is(live.metricCount('m1'), limits.machineMetricsMax);
    t.is((await lines(db)).filter(({ kind, code }) => kind === 'refused' && code === 'FLOOR_SCHEMA_INVALID').length, 1);
  });

  test('presence is news when it changes, and a silence ends with a line that says since when', async (t) => {
    const db = await openDb(t);
    const { ingest, live, store } = await openFloor(db);
    const now = Date.now();
    const online = (value: boolean, at: number) => ({
      ...up('x', { online: value, at }),
      topic: 'sgp/matriz/m1/online',
      retain: true,
    });
    await ingest.commit([
      online(false, now - 9),
      online(true, now),
      online(true, now),
      up('state', { ts: now + 1, state: 'running' }, now + 1),
    ]);
    await ingest.commit([up('telemetry', { ts: now + 10 * minute, values: { a: 1 } }, now + 10 * minute)]);
    await ingest.commit([online(false, now + 12 * minute), online(false, now + 13 * minute)]);
    t.deepEqual(
      (await lines(db))
        .filter(({ kind }) => kind === 'signal')
        .map(({ code, at, data }) => [code, at - now, data['since'] ?? null]),
      [
        ['online', 0, null],
        ['heard', 10 * minute, now + 1],
        ['offline', 12 * minute, null],
      ],
    );
    t.is(live.status('m1').onlineSince, now + 12 * minute);
    const spans = stateSpans(
      await store.signalLines('m1', now - minute, now + 20 * minute),
      now - minute,
      now + 20 * minute,
      null,
    );
    t.deepEqual(
      spans.map(({ from, to, state, signal }) => [from - now, to - now, state, signal]),
      [
        [-minute, 0, null, false],
        [0, 1, null, true],
        [1, 10 * minute, null, false],
        [10 * minute, 12 * minute, 'running', true],
        [12 * minute, 20 * minute, null, false],
      ],
    );
  });

  test('a broker that starts was off before: the machine was seen last when somebody listened, or when it spoke', async (t) => {
    const started = async (machine: string, spokeAt: number, listenedUntil: number | null): Promise<unknown> => {
      const db = await openDb(t);
      const { ingest, store, live } = await openFloor(db, null, findOrder, listenedUntil);
      const online = (body: unknown) => ({ ...up('x', body), topic: `sgp/matriz/${machine}/online`, retain: true });
      await ingest.commit([
        online({ online: true, at: now }),
        up('state', { ts: spokeAt, state: 'running' }, spokeAt),
        online({ online: false, at: now + 60 * minute, reason: 'broker-started' }),
        online({ online: true, at: now + 61 * minute }),
      ]);
      t.is(live.status('m1').online, true);
      // Also asked for a time that ended before the broker came back.
      const early = stateSpans(await store.signalLines('m1', now, now + 30 * minute), now, now + 30 * minute, null);
      t.false(early.at(-1)?.signal);
      const spans = stateSpans(await store.signalLines('m1', now, now + 90 * minute), now, now + 90 * minute, null);
      return spans.filter(({ signal }) => !signal).map(({ from, to }) => [(from - now) / minute, (to - now) / minute]);
    };
    const now = Date.now() - 100 * minute;
    t.deepEqual(await started('m1', now, now + 3 * minute), [[3, 61]]);
    t.deepEqual(await started('m1', now + 4 * minute, now + 3 * minute), [[4, 61]]);
    t.deepEqual(await started('m1', now + 4 * minute, null), [[4, 61]], 'no mark was ever written');
  });

  test('when the floor was listened to is kept over a death of the process, and only the last times', async (t) => {
    const db = await openDb(t);
    const open = () => openListening({ db, connected: () => true, log: silent });
    const rows = () => db('listening').orderBy('from_at');
    const one = await open();
    t.is(one.until(Date.now()), null);
    const first = Date.now() - day;
    one.began(first);
    const other = await open();
    await one[Symbol.asyncDispose]();
    const now = Date.now();
    other.began(now);
    other.went(now + 7);
    t.is(other.until(first - 1), null);
    t.is(other.until(now + 5), now + 5);
    t.is(other.until(now + 50), now + 7);
    await other[Symbol.asyncDispose]();
    const again = await open();
    t.is(again.until(now - 1), first, 'nobody listened between the two');
    for (let n = 1; n <= limits.floorListeningSpansMax + 2; n += 1) {
      again.began(now + n);
      await again[Symbol.asyncDispose]();
    }
    t.is((await rows()).length, limits.floorListeningSpansMax);
    t.is((await rows()).at(-1).from_at, now + limits.floorListeningSpansMax + 2);
  });

  test('buckets hold exactly the samples of their time, and empty ones are left out', async (t) => {
    const db = await openDb(t);
    const [{ metric_id: metricId }] = await db('metrics')
      .insert({ machine_id: 'm1', name: 'speed' })
      .returning('metric_id');
    const base = Date.UTC(2026, 10, 22);
    const sample = fc.record({ at: fc.nat(5_000), number: fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })) });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(sample, { selector: ({ at }) => at, maxLength: 60 }),
        fc.nat(2_000),
        fc.integer({ min: 1, max: 4_000 }),
        fc.integer({ min: 10, max: 50 }),
        async (samples, start, length, points) => {
          await db('samples').delete();
          if (samples.length > 0)
            await db('samples').insert(
              samples.map(({ at, number }) => ({
                metric_id: metricId,
                at: base + at,
                skew_ms: 0,
                number,
                word: number === null ? 'x' : null,
              })),
            );
          const [from, to] = [base + start, base + start + length];
          const series = await createFloorStore(db).series('m1', { metric: 'speed', from, to, points });
          const bucketMs = bucketLength(from, to, points);
          const expected = new Map<number, number[]>();
          for (const { at, number } of samples.toSorted((a, b) => a.at - b.at)) {
            if (number === null || base + at < from || base + at >= to) continue;
            const bucketAt = from + Math.floor((base + at - from) / bucketMs) * bucketMs;
            expected.set(bucketAt, [...(expected.get(bucketAt) ?? []), number]);
          }
          t.deepEqual(series.at, [...expected.keys()]);
          t.deepEqual(
            series.min,
            [...expected.values()].map((numbers) => Math.min(...numbers) + 0),
          );
          t.deepEqual(
            series.max,
            [...expected.values()].map((numbers) => Math.max(...numbers) + 0),
          );
          for (const [index, numbers] of [...expected.values()].entries()) {
            const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
            t.true(Math.abs((series.avg[index] ?? Number.NaN) - mean) <= 1e-6);
          }
          t.true(series.at.length <= points);
          t.is(series.bucketMs, bucketMs);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the log is read page by page without a line lost or doubled, by level and by text', async (t) => {
    const db = await openDb(t);
    const { ingest, store } = await openFloor(db);
    const now = Date.now();
    await ingest.commit(
      [...Array(45).keys()].map((id) =>
        up(
          'event',
          {
            ts: now - (id % 7),
            id,
            level: id % 5 === 0 ? 'error' : 'info',
            code: 'e',
            text: id === 8 ? '100% de_linha' : `t${id}`,
          },
          now,
        ),
      ),
    );
    const seen: string[] = [];
    let before: string | undefined;
    do {
      const page = await store.log('m1', { limit: 10, before });
      seen.push(...page.lines.map(({ data }) => String(data['id'])));
      before = page.nextBefore ?? undefined;
    } while (before !== undefined);
    t.is(new Set(seen).size, 45);
    t.is(seen.length, 45);
    t.is((await store.log('m1', { limit: 100, level: 'warn' })).lines.length, 9);
    t.deepEqual(
      (await store.log('m1', { limit: 100, q: '0% DE_' })).lines.map(({ data }) => data['id']),
      ['8'],
    );
    t.is((await store.log('m1', { limit: 100, q: '%' })).lines.length, 1);
  });

  test('what is older than it is kept goes, in steps, and what is younger stays', async (t) => {
    const db = await openDb(t);
    const now = Date.now();
    const [{ metric_id: metricId }] = await db('metrics')
      .insert({ machine_id: 'm1', name: 'speed' })
      .returning('metric_id');
    const old = now - limits.telemetryRetentionDays * day;
    const rows = [...Array(4500).keys()].map((n) => ({
      metric_id: metricId,
      at: old - 4400 + n,
      skew_ms: 0,
      number: n,
      word: null,
    }));
    for (let first = 0; first < rows.length; first += 100) await db('samples').insert(rows.slice(first, first + 100));
    const line = (at: number, kind: string, key: string) => ({
      machine_id: 'm1',
      at,
      kind,
      level: 'info',
      code: 'c',
      text: '',
      data: '{}',
      message_key: key,
    });
    await db('machine_log').insert([
      line(now - limits.machineLogRetentionDays * day - 1, 'event', 'old'),
      line(now - day, 'event', 'young'),
    ]);
    for (let first = 0; first < limits.floorRefusalsKeptMax + 100; first += 100)
      await db('machine_log').insert([...Array(100).keys()].map((n) => line(now, 'refused', `r${first + n}`)));
    let steps = 0;
    await prune(db, now, async () => {
      steps += 1;
      return true;
    });
    t.is((await db('samples').select()).length, 100);
    t.true(steps >= 2);
    const kept = await db('machine_log').select('kind', 'message_key');
    t.is(kept.filter(({ kind }) => kind === 'refused').length, limits.floorRefusalsKeptMax);
    t.deepEqual(
      kept.filter(({ kind }) => kind === 'event').map((row) => row.message_key),
      ['young'],
    );
    t.false(kept.some((row) => row.message_key === 'r99'));
  });
}
