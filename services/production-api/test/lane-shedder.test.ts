import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { StreamName } from '@sgp/shared/sync';
import test from 'ava';
import { createCompareStore } from '../src/bridge/compare-store.ts';
import { shedOnce } from '../src/bridge/lane-shedder.ts';
import { deliver } from '../src/bridge/outbox-delivery.ts';
import { openProductionDb } from '../src/db.ts';
import { createHlcStore } from '../src/outbox/hlc-store.ts';
import { readCounts } from '../src/outbox/outbox-head.ts';
import { createOutboxStore } from '../src/outbox/outbox-store.ts';
import { isConsistent } from './support/edge-consistency.ts';
import { tempDir } from './support/temp-dir.ts';

const [roomy, full] = [
  { freeBytes: 50, totalBytes: 100 },
  { freeBytes: 10, totalBytes: 100 },
];

async function openShop(stack: AsyncDisposableStack) {
  const db = await openProductionDb(`sqlite:${await tempDir(stack)}/production.db`);
  stack.defer(() => db.destroy());
  const [hlc, outbox] = [createHlcStore(newId()), createOutboxStore()];
  const write = (stream: StreamName, entityId = newId()) =>
    db.transaction(async (tx) => {
      const updatedAt = await hlc.tick(tx);
      const { seq } = await outbox.append(tx, {
        ...{ stream, entityId, version: 1, parentVersion: 0, updatedAt },
        payload: { entityId },
      });
      return { seq, entityId };
    });
  return { db, write };
}

const waitingIn = (db: Database, lane: number): Promise<number[]> =>
  db('outbox').where({ lane }).orderBy('seq').pluck('seq');

test('a nearly full disk refuses what is new of the bulk lane, then drops its oldest, counted; every other lane stays', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, write } = await openShop(stack);
  for (let n = 0; n < 1200; n += 1) await write('rollups');
  const kept = [(await write('orders')).seq, (await write('customers')).seq, (await write('blocks')).seq];
  t.is(await shedOnce(db, roomy), 0);
  t.not((await write('rollups')).seq, null);

  t.is(await shedOnce(db, full), 0, 'the first look only refuses');
  t.is((await write('rollups')).seq, null);
  const order = await write('orders');
  t.is(await shedOnce(db, full), 1000);
  t.is(await shedOnce(db, full), 201);
  t.is(await shedOnce(db, full), 0);
  t.deepEqual(await waitingIn(db, 3), []);
  t.deepEqual([await waitingIn(db, 1), await waitingIn(db, 2), await waitingIn(db, 0)], [
    [kept[0], order.seq],
    [kept[1]],
    [kept[2]],
  ] as number[][]);
  t.like(await readCounts(db), { shed: 1202, shedding: true });
  await isConsistent(t, db);

  t.is(await shedOnce(db, roomy), 0);
  t.not((await write('rollups')).seq, null);
});

test('what is dropped on its second way, to a Core that was restored, is missed by no comparison', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, write } = await openShop(stack);
  const { entityId } = await write('rollups');
  const { seq, id } = await db('outbox').first();
  const change = { seq, id, stream: 'rollups', entityId, version: 1 } as const;
  await db.transaction((tx) =>
    deliver(tx, {
      ...{ at: 1, sentAt: 1, appliedAt: 1, ackedSeq: 1, bytes: 1, clockSkewMs: 0 },
      ...{ done: [{ change, outcome: 'applied' }], parked: [] },
    }),
  );
  t.is(await createCompareStore(db).requeue('rollups', [{ entityId, version: 1 }]), 1);
  await shedOnce(db, full);
  t.is(await shedOnce(db, full), 1);
  await isConsistent(t, db);
  t.deepEqual(await db('sync_entities'), []);
});
