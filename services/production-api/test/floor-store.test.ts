import { join } from 'node:path';
import { openDatabase } from '@sgp/service-kit/database';
import { busyTimeoutMs } from '@sgp/service-kit/sqlite-client';
import test from 'ava';
import { openTelemetryDb } from '../src/db.ts';
import { localDay } from '../src/floor/clock.ts';
import { floorContract, openFloor, timeZone, up } from './floor-contract.ts';
import { tempDir } from './support/temp-dir.ts';

floorContract(test, async (t) => {
  const db = await openTelemetryDb('sqlite::memory:');
  t.teardown(() => db.destroy());
  return db;
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
