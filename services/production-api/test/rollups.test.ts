import { newId } from '@sgp/service-kit/ids';
import { type Rollup, rollupPayloadSchema } from '@sgp/shared/sync-payloads';
import test from 'ava';
import { openProductionDb, openTelemetryDb } from '../src/db.ts';
import { createFloorStore } from '../src/floor/floor-store.ts';
import { rollUp } from '../src/rollups/rollups.ts';
import { hourMs, hourOf } from '../src/rollups/sum-hour.ts';
import { openStreams, saidOn } from './support/streams.ts';

const start = hourOf(1_760_000_000_000);
const minutes = (n: number): number => start + n * 60_000;

async function openWorld(stack: AsyncDisposableStack) {
  const db = stack.adopt(await openProductionDb('sqlite::memory:'), (open) => open.destroy());
  const telemetryDb = stack.adopt(await openTelemetryDb('sqlite::memory:'), (open) => open.destroy());
  const machineId = newId();
  let lines = 0;
  const line = (at: number, kind: string, code: string, data: object = {}) =>
    telemetryDb('machine_log').insert({
      machine_id: machineId,
      at,
      kind,
      level: 'info',
      code,
      text: '',
      data: JSON.stringify(data),
      message_key: String(lines++),
    });
  await telemetryDb('metrics').insert({ metric_id: 1, machine_id: machineId, name: 'rpm' });
  const sample = (at: number) => telemetryDb('samples').insert({ metric_id: 1, at, skew_ms: 0, number: 1 });
  const { say } = openStreams(db);
  const deps = { db, telemetryDb, floor: createFloorStore(telemetryDb), machineIds: () => [machineId], say };
  const said = () => saidOn<Rollup>(db, 'rollups');
  return { db, deps, machineId, line, sample, said };
}

test('an hour holds its samples, log lines, pieces and running time, and nothing of its neighbours', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { deps, machineId, line, sample, said } = await openWorld(stack);
  await line(minutes(10), 'state', 'running');
  await line(minutes(30), 'count', 'count', { good: 7, scrap: 1 });
  await line(minutes(40), 'state', 'stopped');
  await line(minutes(50), 'state', 'running');
  await line(minutes(60), 'count', 'count', { good: 100, scrap: 0 });
  await line(minutes(75), 'state', 'idle');
  await sample(start);
  await sample(minutes(59));
  await sample(minutes(60));
  await rollUp(deps, minutes(200));
  const rollups = (await said()).map(({ payload }) => rollupPayloadSchema.parse(payload));
  t.deepEqual(
    rollups.map(({ rollupId: _, ...rest }) => rest),
    [
      { machineId, hourStart: start, samples: 2, logLines: 4, good: 7, scrap: 1, runningMs: 40 * 60_000 },
      { machineId, hourStart: minutes(60), samples: 1, logLines: 2, good: 100, scrap: 0, runningMs: 15 * 60_000 },
    ],
    'an hour in which the machine said nothing is left out',
  );
});

test('an hour is told once, under an id that follows from machine and hour, and not before it is settled', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, deps, sample, said } = await openWorld(stack);
  await sample(start);
  await rollUp(deps, minutes(65));
  t.deepEqual(await said(), []);
  for (let n = 0; n < 3; n++) await rollUp(deps, minutes(71));
  const [first, ...more] = await said();
  t.deepEqual(more, []);
  await db('outbox').delete();
  await db('rollup_marks').delete();
  await rollUp(deps, minutes(71));
  t.deepEqual(await said(), [first] as never, 'made again from nothing it is the same');
  await sample(minutes(61));
  await rollUp(deps, minutes(140));
  t.is((await said()).length, 2);
});

test('a failure in the middle tells no hour and forgets none; a month is caught up in steps', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, deps, sample, said } = await openWorld(stack);
  const hours = 120;
  for (let n = 0; n < hours; n++) await sample(start + n * hourMs);
  await db.raw("create trigger broken before insert on rollup_marks begin select raise(abort, 'the disk'); end");
  await t.throwsAsync(rollUp(deps, start + (hours + 1) * hourMs), { message: /the disk/ });
  t.deepEqual(await said(), []);
  await db.raw('drop trigger broken');
  await rollUp(deps, start + (hours + 1) * hourMs);
  t.deepEqual(
    (await said()).map(({ payload }) => payload.hourStart),
    Array.from({ length: hours }, (_, n) => start + n * hourMs),
  );
  t.true((await db('outbox').pluck('lane')).every((lane) => lane === 3));
});
