import { join } from 'node:path';
import { openDatabase } from '@sgp/service-kit/database';
import { busyTimeoutMs } from '@sgp/service-kit/sqlite-client';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { openTelemetryDb } from '../src/db.ts';
import { localDay } from '../src/floor/clock.ts';
import { openListening } from '../src/floor/listening.ts';
import { floorContract, openFloor, timeZone, up } from './floor-contract.ts';
import { tempDir } from './support/temp-dir.ts';

floorContract(test, async (t) => {
  const db = await openTelemetryDb('sqlite::memory:');
  t.teardown(() => db.destroy());
  return db;
});

test('while the floor is listened to its mark moves on, at a bounded rate', async (t) => {
  await using stack = new AsyncDisposableStack();
  const db = stack.adopt(await openTelemetryDb('sqlite::memory:'), (open) => open.destroy());
  const written: number[] = [];
  const twice = Promise.withResolvers<void>();
  db.on('query-response', (_response, { sql }: { sql: string }) => {
    if (sql.includes('insert into `listening`') && written.push(performance.now()) === 2) twice.resolve();
  });
  let connected = true;
  const listening = stack.use(await openListening({ db, connected: () => connected, log: { warn: () => t.fail() } }));
  const began = Date.now();
  listening.began(began);
  for (let n = 0; n < 100; n += 1) listening.went(Date.now());
  await twice.promise;
  t.true((written[1] as number) - (written[0] as number) >= limits.floorListeningMarkMs - 100);
  const [row] = await db('listening');
  t.true(row.to_at >= began + limits.floorListeningMarkMs - 100);
  connected = false;
  listening.went(Date.now() + 60_000);
  t.is(listening.until(Date.now() + 60_000), row.to_at, 'while the broker is away nobody listens');
});

test('while another process holds the database the service goes on answering, and no count is refused or lost', async (t) => {
  await using stack = new AsyncDisposableStack();
  const url = `sqlite:${join(await tempDir(stack), 'telemetry.db')}`;
  const db = stack.adopt(await openTelemetryDb(url), (open) => open.destroy());
  const other = stack.adopt(openDatabase(url, { durability: 'full' }), (open) => open.destroy());
  const { ingest, live } = await openFloor(db);
  const now = Date.now();
  const batch = [up('count', { ts: now, id: 'c', good: 3 }, now)];
  let longestMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 10);
  stack.defer(() => clearInterval(timer));
  await other.transaction(async () => {
    await t.throwsAsync(ingest.commit(batch), { code: 'SQLITE_BUSY' });
  });
  t.true(longestMs < busyTimeoutMs / 2, `nothing else ran for ${longestMs} ms`);
  t.deepEqual(await db('machine_log'), []);
  const held = await other.transaction();
  const storing = ingest.commit(batch);
  setTimeout(() => held.commit(), 200);
  await storing;
  t.deepEqual(live.today('m1', localDay(now, timeZone)), { good: 3, scrap: 0 });
});
