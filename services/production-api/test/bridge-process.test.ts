import { once } from 'node:events';
import { newId } from '@sgp/service-kit/ids';
import { limits } from '@sgp/shared/limits';
import type { SyncStatus } from '@sgp/shared/sync';
import test from 'ava';
import { createSyncWorld, mirrorOrders, type SyncWorld, until } from './support/sync-world.ts';

/** The bridge as a real process, against the real broker and the real mirror, over a wire that can be cut. */

const inSync = (world: SyncWorld): Promise<unknown> =>
  until('both sides are equal and the queue is empty', async () => {
    const [left] = await world.db('outbox').count({ n: '*' });
    if (left?.['n'] !== 0) return false;
    const there = await mirrorOrders(world);
    return [...world.writer.versions].every(([id, version]) => there.get(id) === version);
  });
const status = (world: SyncWorld, what: string, holds: (status: SyncStatus) => boolean): Promise<SyncStatus> =>
  until(what, () => world.statuses.at(-1) && holds(world.statuses.at(-1) as SyncStatus) && world.statuses.at(-1));

test.serial(
  'a doorbell brings a change to the mirror at once; without it, the poll does within its second',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    await world.startBridge();
    await status(world, 'the first exchange is told', ({ state }) => state === 'ok');

    const delays: number[] = [];
    for (let n = 0; n < 30; n++) {
      const begin = performance.now();
      const orderId = await world.writer.write();
      await world.ring();
      await until('acknowledged', () =>
        world.db('sync_entities').where({ entity_id: orderId, acked_version: 1 }).first(),
      );
      delays.push(performance.now() - begin);
    }
    delays.sort((a, b) => a - b);
    t.log(`commit → acknowledged at the edge: p50 ${delays[15]?.toFixed(1)} ms, max ${delays.at(-1)?.toFixed(1)} ms`);
    t.true((delays[15] ?? Infinity) < limits.outboxPollMs / 4, 'the median is far below the poll: the doorbell did it');

    await world.writer.write();
    await inSync(world);
    t.like(await status(world, 'all acknowledged', ({ state, ackedSeq }) => state === 'ok' && ackedSeq === 31), {
      pendingChanges: 0,
      oldestPendingAt: null,
      ackedSeq: 31,
      error: null,
    });
  },
);

test.serial(
  'cut and heal: the status is true at each step, everything arrives once, the incident is closed',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    await world.startBridge();
    await status(world, 'well before the cut', ({ state }) => state === 'ok');

    const cutAt = Date.now();
    world.wire.set('cut');
    for (let n = 0; n < 37; n++) await world.writer.write();
    await world.ring();
    const cut = await status(
      world,
      'the outage shows',
      ({ state, pendingChanges }) => state === 'offline' && pendingChanges === 37,
    );
    t.true((cut.offlineSince ?? 0) >= cutAt && (cut.offlineSince ?? 0) <= Date.now(), 'since the first failed attempt');
    t.true((cut.lastAckAt ?? Infinity) <= cutAt + 1000);
    t.like(await world.db('sync_incidents').first(), {
      cause: 'NETWORK',
      started_at: cut.offlineSince,
      ended_at: null,
    });
    t.is((await mirrorOrders(world)).size, 0);

    const healedAt = Date.now();
    world.wire.set('open');
    await inSync(world);
    const healed = await status(world, 'ok again', ({ state }) => state === 'ok');
    t.like(healed, { offlineSince: null, pendingChanges: 0, error: null });
    const incident = await until('the incident is closed', () =>
      world.db('sync_incidents').whereNotNull('ended_at').first(),
    );
    t.like(incident, { peak_pending: 37, sent: 37, started_at: cut.offlineSince });
    t.true(incident.ended_at >= healedAt);
    t.is((await world.db('sync_incidents')).length, 1);
    const applied = await world.mirrorDb('orders').count({ n: '*' }).first();
    t.is(applied?.['n'], 37);
  },
);

test.serial(
  'an acknowledgement that is lost on the way back is asked for again: the queue empties, nothing doubles',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    const bridge = await world.startBridge();
    await status(world, 'well', ({ state }) => state === 'ok');
    world.wire.set('deaf');
    const orderId = await world.writer.write();
    await world.ring();
    await until('the mirror has it', async () => (await mirrorOrders(world)).get(orderId) === 1);
    t.is((await world.db('outbox')).length, 1, 'not acknowledged: still here');
    world.wire.set('open');
    await inSync(world);
    t.is(bridge.child.exitCode, null);
    t.is((await world.mirrorDb('orders')).length, 1);
  },
);

test.serial('kill -9 of the bridge in the middle of pushes loses nothing and doubles nothing', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  let bridge = await world.startBridge();
  const orders = Array.from({ length: 20 }, () => newId());
  let writing = true;
  const writer = (async () => {
    for (let n = 0; writing; n++) {
      await world.writer.write(orders[n % orders.length]);
      await world.ring();
      // The wire runs in this process too.
      await new Promise((done) => setTimeout(done, 2));
    }
  })();
  for (let kills = 0; kills < 4; kills++) {
    const sent = world.wire.sentBytes;
    const underWay = until('pushes are under way', () => world.wire.sentBytes > sent + 20_000);
    await Promise.race([underWay, writer]);
    await bridge.kill();
    bridge = await world.startBridge();
  }
  writing = false;
  await writer;
  await inSync(world);
  const edge = [...world.writer.versions].sort();
  t.deepEqual([...(await mirrorOrders(world))].sort(), edge);
  t.is((await world.mirrorDb('parked_changes')).length, 0);
  t.true(
    edge.every(([, version]) => version > 1),
    'each order was written several times meanwhile',
  );
  const numbers = await world.mirrorDb('push_batches').pluck('idempotency_key');
  t.is(new Set(numbers).size, numbers.length, 'no push number was used twice');
});

test.serial(
  'a bridge whose clock is three days ahead signs with the time of the mirror and shows the skew',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    const days3Ms = 3 * 24 * 60 * 60 * 1000;
    const shift = `data:text/javascript,const now = Date.now; Date.now = () => now() + ${days3Ms};`;
    await world.startBridge(['--import', shift]);
    await world.writer.write();
    await inSync(world);
    const skewed = await status(world, 'the skew is known', ({ clockSkewMs }) => clockSkewMs !== null);
    t.true(Math.abs((skewed.clockSkewMs ?? 0) - days3Ms) < 60_000, `${skewed.clockSkewMs} ms`);
  },
);

test.serial(
  'poison is parked with its reason and the rest flows: one that the mirror parks, one that breaks the batch',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    const unknownMember = await world.writer.write(newId(), (snapshot) => ({ ...snapshot, taxId: '123' }));
    const brokenEnvelope = await world.writer.write();
    await world.db('outbox').where({ entity_id: brokenEnvelope }).update({ entity_id: 'not-a-uuid' });
    for (let n = 0; n < 20; n++) await world.writer.write();
    await world.startBridge();
    await until('only the poison is left', async () => (await world.db('outbox').whereNull('parked_at')).length === 0);
    const parked = await world.db('outbox').orderBy('seq').select('entity_id', 'parked_code', 'parked_detail');
    t.deepEqual(
      parked.map(({ entity_id, parked_code }) => [entity_id, parked_code]),
      [
        [unknownMember, 'BODY_INVALID'],
        ['not-a-uuid', 'BODY_INVALID'],
      ],
    );
    t.regex(parked[0].parked_detail, /taxId/);
    t.is((await mirrorOrders(world)).size, 20);
    t.like(await status(world, 'both are parked', ({ parkedChanges }) => parkedChanges === 2), {
      state: 'failed',
      pendingChanges: 0,
    });

    await world.writer.write(unknownMember);
    await until(
      'its next version is good and takes the parked one with it',
      async () => (await world.db('outbox')).length === 1,
    );
    t.is((await mirrorOrders(world)).get(unknownMember), 2);
  },
);

test.serial('without the bus the bridge still sends, by polling, and it stops in time', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  const bridge = await world.startBridge([], { BROKER_URL: 'mqtt://127.0.0.1:1' });
  await world.writer.write();
  await inSync(world);
  await world.writer.write();
  await inSync(world);
  const begin = Date.now();
  bridge.child.kill('SIGTERM');
  const [code] = await once(bridge.child, 'exit');
  t.is(code, 0);
  t.true(Date.now() - begin < limits.shutdownMaxMs + 500);
});

test.serial('the bridge tells its health and its figures', async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await createSyncWorld(stack);
  const bridge = await world.startBridge();
  await world.writer.write();
  await inSync(world);
  const url = /"url":"(http[^"]+)"/.exec(bridge.output())?.[1] ?? '';
  t.like(await (await fetch(`${url}/readyz`)).json(), { status: 'ready', checks: { database: 'ok' } });
  const figures = await until('the figures are counted', async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return /sgp_sync_acked_seq\{[^}]*\} 1\b/.test(text) && text;
  });
  t.regex(figures, /sgp_sync_changes_total\{stream="orders",outcome="applied",service="bridge"\} 1/);
  t.regex(figures, /sgp_sync_pushes_total\{channel="0",ending="acked",service="bridge"\} \d/);
  t.regex(figures, /sgp_sync_pending_changes\{lane="1",service="bridge"\} 0/);
});
