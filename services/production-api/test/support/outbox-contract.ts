import { sha256Hex } from '@sgp/auth/digest';
import { type Database, migrate } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { canonicalJson } from '@sgp/shared/canonical-json';
import { hlcNodeOf } from '@sgp/shared/clock';
import { limits } from '@sgp/shared/limits';
import { streams } from '@sgp/shared/sync';
import { shortOf } from '@sgp/sync-engine/digest';
import type { BatchRequest, ChangeRef, Delivery } from '@sgp/sync-engine/ports';
import type { ExecutionContext, TestFn } from 'ava';
import { createCompareStore } from '../../src/bridge/compare-store.ts';
import { openOutboxQueue } from '../../src/bridge/outbox-queue.ts';
import { productionMigrations } from '../../src/migrations/list.ts';
import { createHlcStore } from '../../src/outbox/hlc-store.ts';
import { createOutboxStore } from '../../src/outbox/outbox-store.ts';
import { createPageFacts } from '../../src/sync/page-facts.ts';
import { createSyncStore } from '../../src/sync/sync-store.ts';

/** What the outbox, the clock, the queue and the sync store do on every engine. */

const nodeId = newId();
const request: BatchRequest = {
  origin: 'queue',
  channel: 0,
  streams,
  only: null,
  maxChanges: limits.syncBatchMaxChanges,
  maxBytes: limits.pushBodyMaxBytes,
  heartbeat: false,
  pushSeqAbove: 0,
};

export function outboxContract(
  test: TestFn,
  engine: string,
  openFresh: (stack: AsyncDisposableStack) => Promise<Database>,
): void {
  const rule = (
    title: string,
    check: (world: Awaited<ReturnType<typeof openWorld>>, t: ExecutionContext) => Promise<void>,
  ): void => {
    test(`${engine}: ${title}`, async (t) => {
      await using stack = new AsyncDisposableStack();
      await check(await openWorld(await openFresh(stack)), t);
    });
  };

  rule(
    'numbers are gapless in the order of the commits, also past a rollback and an emptied queue',
    async ({ db, write, deliver }, t) => {
      const seqs = [await write(newId()), await write(newId())];
      await t.throwsAsync(
        write(newId(), 1, () => {
          throw new Error('the business row failed');
        }),
        { message: /business row/ },
      );
      await deliver(await db('outbox'));
      seqs.push(await write(newId()));
      t.deepEqual(seqs, [1, 2, 3]);
    },
  );

  rule('changes written at once from many transactions get different numbers without a gap', async ({ write }, t) => {
    const seqs = await Promise.all(Array.from({ length: 20 }, () => write(newId())));
    t.deepEqual(
      seqs.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  });

  rule('the hash is that of the payload as it is stored, and the payload is canonical', async ({ db, write }, t) => {
    await write(newId());
    const row = await db('outbox').first();
    t.is(row.hash, sha256Hex(row.payload));
    t.is(row.payload, canonicalJson(JSON.parse(row.payload)));
  });

  rule('a version of an entity is written once', async ({ write }, t) => {
    const entityId = newId();
    await write(entityId, 1);
    await t.throwsAsync(write(entityId, 1));
  });

  rule('stamps grow although the wall clock goes back, and a rolled back one is given again', async ({ db }, t) => {
    let wallMs = 1_000_000;
    const clock = createHlcStore(nodeId, () => wallMs);
    const tick = () => db.transaction((tx) => clock.tick(tx));
    const first = await tick();
    wallMs -= 500_000;
    const second = await tick();
    await t.throwsAsync(
      db.transaction(async (tx) => {
        await clock.tick(tx);
        throw new Error('back');
      }),
    );
    wallMs = 2_000_000;
    const third = await tick();
    t.deepEqual([first, second, third], [
      `00000001000000-0000-${hlcNodeOf(nodeId)}`,
      `00000001000000-0001-${hlcNodeOf(nodeId)}`,
      `00000002000000-0000-${hlcNodeOf(nodeId)}`,
    ] as never);
  });

  rule(
    'the queue gives the newest version of each entity, newest first, within its budget',
    async ({ queue, write }, t) => {
      const [a, b, c] = [newId(), newId(), newId()];
      for (const [entity, version] of [
        [a, 1],
        [b, 1],
        [a, 2],
        [c, 1],
        [a, 3],
      ] as const)
        await write(entity, version);
      const batch = await queue.load(request);
      t.deepEqual(
        batch?.changes.map(({ entityId, version }) => [entityId, version]),
        [
          [a, 3],
          [c, 1],
          [b, 1],
        ],
      );
      t.is(batch?.lowWaterSeq, 0);
      t.deepEqual(
        (await queue.load({ ...request, maxChanges: 2 }))?.changes.map(({ entityId }) => entityId),
        [a, c],
      );
      t.is((await queue.load({ ...request, maxBytes: 1 }))?.changes.length, 1);
      t.deepEqual(
        (await queue.load({ ...request, only: [{ stream: 'orders', entityId: b }] }))?.changes.map(({ seq }) => seq),
        [2],
      );
    },
  );

  rule('the queue reads past many versions of one entity', async ({ queue, write }, t) => {
    const [a, b] = [newId(), newId()];
    await write(b, 1);
    for (let version = 1; version <= 150; version++) await write(a, version);
    t.deepEqual(
      (await queue.load(request))?.changes.map(({ seq }) => seq),
      [151, 1],
    );
  });

  rule('an empty queue gives nothing, or an empty batch when a heartbeat is due', async ({ queue }, t) => {
    t.is(await queue.load(request), null);
    t.like(await queue.load({ ...request, streams: ['orders'], heartbeat: true }), {
      changes: [],
      lowWaterSeq: 0,
      more: false,
      stream: 'orders',
      epoch: (await queue.identity()).epoch,
    });
  });

  rule(
    'an acknowledged version takes the older ones with it and leaves the newer',
    async ({ db, queue, write, deliver }, t) => {
      const entity = newId();
      for (const version of [1, 2]) await write(entity, version);
      const batch = await queue.load(request);
      await write(entity, 3);
      await deliver(batch?.changes ?? []);
      t.deepEqual(await db('outbox').pluck('version'), [3]);
      t.like(await db('sync_entities').first(), { entity_id: entity, acked_version: 2 });
      t.like(await createSyncStore(db).deliveryState(), {
        totals: { batches: 1, changesAcked: 2, bytesSent: 100 },
        lastAckAt: 5000,
        ackedSeq: 2,
      });
      t.is((await queue.load(request))?.lowWaterSeq, 2);
    },
  );

  rule(
    'a late acknowledgement of an older version does not take back what is known of a newer one',
    async ({ db, write, deliver }, t) => {
      const entity = newId();
      for (const version of [1, 2]) await write(entity, version);
      const rows = await db('outbox').orderBy('seq');
      await deliver(rows.slice(1));
      await deliver(rows.slice(0, 1));
      t.is((await db('sync_entities').first()).acked_version, 2);
    },
  );

  rule(
    'a change names the versions that it was made from, and one that is written once names none',
    async ({ db, queue, write, deliver }, t) => {
      const entity = newId();
      const shorts: string[] = [];
      const lineages: unknown[] = [];
      for (const version of [1, 2, 3]) {
        await write(entity, version);
        const changes = (await queue.load(request))?.changes ?? [];
        lineages.push(changes[0]?.lineage);
        shorts.push(shortOf((await db('sync_entities').first()).digest));
        if (version === 1) await deliver(changes);
      }
      t.deepEqual(lineages, [[], [shorts[0]], [shorts[0], shorts[1]]]);
      // A comparison sends the same version again: it was made from the same ones.
      await deliver((await queue.load(request))?.changes ?? []);
      await createCompareStore(db).requeue('orders', [{ entityId: entity, version: 3 }]);
      t.deepEqual((await queue.load(request))?.changes[0]?.lineage, [shorts[0], shorts[1]] as string[]);
      await db('sync_entities').update({ lineage: null, settled_digest: null });
      await write(entity, 4);
      t.is((await queue.load(request))?.changes[0]?.lineage, undefined, 'written before lineages were kept');
    },
  );

  rule(
    'a parked change leaves the queue and not the outbox; a newer version of its entity takes it along',
    async ({ db, queue, write, deliver, refs }, t) => {
      const [poison, other] = [newId(), newId()];
      await write(poison, 1);
      await write(other, 1);
      const [row] = refs(await db('outbox').orderBy('seq'));
      await queue.deliver({
        ...delivery,
        parked: [{ change: row as ChangeRef, reason: { code: 'BODY_INVALID', detail: 'no' } }],
      });
      t.deepEqual(
        (await queue.load(request))?.changes.map(({ entityId }) => entityId),
        [other],
      );
      t.like(await createSyncStore(db).waiting(), { pendingChanges: 1, parkedChanges: 1 });
      t.is((await queue.load(request))?.lowWaterSeq, 0, 'a parked change is open');
      await write(poison, 2);
      await deliver((await queue.load(request))?.changes ?? []);
      t.is((await db('outbox')).length, 0);
      t.like(await createSyncStore(db).waiting(), { pendingChanges: 0, parkedChanges: 0, oldestPendingAt: null });
    },
  );

  rule(
    'push numbers grow over a restart and above what is asked, and none is given twice',
    async ({ db, queue }, t) => {
      const heartbeat = { ...request, heartbeat: true };
      const numbers: number[] = [];
      for (const pushSeqAbove of [0, 0, 5000])
        numbers.push((await queue.load({ ...heartbeat, pushSeqAbove }))?.pushSeq ?? 0);
      const afterCrash = await openOutboxQueue(db);
      for (let n = 0; n < 1002; n++) numbers.push((await afterCrash.load(heartbeat))?.pushSeq ?? 0);
      t.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
      );
      t.is(numbers[2], 5001);
    },
  );

  rule(
    'an outage is one incident: opened once, raised to its peak, closed when it ended',
    async ({ db, write, deliver }, t) => {
      const store = createSyncStore(db);
      await store.openIncident({ cause: 'NETWORK', startedAt: 1000, pendingChanges: 0 });
      for (let n = 0; n < 3; n++) await write(newId());
      await store.openIncident({ cause: 'NETWORK', startedAt: 1000, pendingChanges: 2 });
      await deliver(await db('outbox'));
      await store.closeIncident(9000);
      await store.closeIncident(9999);
      t.like((await store.lists()).incidents, [{ startedAt: 1000, endedAt: 9000, peakPending: 3, sent: 3 }]);
    },
  );

  rule(
    'what an outage lost is what the comparisons after its end counted, and nothing before one',
    async ({ db }, t) => {
      const store = createSyncStore(db);
      const outage = async () => (await store.lists()).incidents[0];
      await store.openIncident({ cause: 'NETWORK', startedAt: 100, pendingChanges: 1 });
      await store.closeIncident(200);
      const compared = (at: number, missing: number) => createCompareStore(db).saveComparison(missing, at);
      await compared(150, 0);
      t.like(await outage(), { comparedAt: null, lost: null, resent: 0 }, 'one before its end says nothing of it');
      await compared(300, 2);
      t.like(await outage(), { comparedAt: 300, lost: 2, resent: 0 });
      await compared(400, 1);
      t.like(await outage(), { comparedAt: 300, lost: 1, resent: 2 });
      await compared(500, 0);
      t.like(await outage(), { comparedAt: 500, lost: 0, resent: 3 });
      await compared(900, 7);
      t.like(await outage(), { comparedAt: 500, lost: 0, resent: 3 }, 'what is missing later was not lost in this one');
      t.like(await outage(), { conflicts: 0 });
    },
  );

  rule('the other direction and the photos are told when there is nothing yet', async ({ db }, t) => {
    const facts = createPageFacts(db);
    t.deepEqual(await facts.down(), { cursor: 0, lastAnswerAt: null, parked: [] });
    t.deepEqual(await facts.photos(), { done: 0, total: 0 });
    t.is(await facts.shed(), 0);
    t.is(await facts.parkedDown('users', newId()), null);
  });

  rule('an acknowledgement clears what was in its way', async ({ db, queue }, t) => {
    const store = createSyncStore(db);
    const blocked = { kind: 'paused', code: 'NODE_BANNED', detail: 'banned' } as const;
    await store.saveTrouble({ offlineSince: 1234, blocked });
    t.like(await store.deliveryState(), { offlineSince: 1234, blocked });
    await queue.deliver(delivery);
    t.like(await store.deliveryState(), { offlineSince: null, blocked: null });
  });

  rule('a batch of 500 is acknowledged as a whole', async ({ db, queue, write, deliver }, t) => {
    await db.transaction(async (tx) => {
      for (let n = 0; n < 501; n++) await write(newId(), 1, () => undefined, tx);
    });
    const batch = await queue.load(request);
    t.is(batch?.changes.length, 500);
    await deliver(batch?.changes ?? []);
    t.deepEqual(await db('outbox').pluck('seq'), [1]);
    t.is((await db('sync_entities').where('acked_version', 1)).length, 500);
  });
}

const delivery: Delivery = {
  at: 5000,
  sentAt: 4000,
  appliedAt: 4500,
  done: [],
  parked: [],
  ackedSeq: 0,
  bytes: 100,
  clockSkewMs: null,
};

async function openWorld(db: Database) {
  await migrate(db, productionMigrations);
  const outbox = createOutboxStore();
  const hlc = createHlcStore(nodeId);
  const queue = await openOutboxQueue(db);
  const append = async (tx: Database, entityId: string, version: number, business: () => void): Promise<number> => {
    const updatedAt = await hlc.tick(tx);
    const payload = { version, b: 1, a: ['ç', null], number: '1001', customer: { firstName: 'Maria' } };
    const { seq } = await outbox.append(tx, {
      stream: 'orders',
      entityId,
      version,
      parentVersion: version - 1,
      updatedAt,
      payload,
    });
    business();
    return seq;
  };
  const refs = (rows: readonly Record<string, unknown>[]): ChangeRef[] =>
    rows.map((row) => ({
      seq: row['seq'] as number,
      id: row['id'] as string,
      stream: 'orders',
      entityId: (row['entity_id'] ?? row['entityId']) as string,
      version: row['version'] as number,
    }));
  return {
    db,
    queue,
    refs,
    write: (entityId: string, version = 1, business: () => void = () => undefined, tx?: Database) =>
      tx ? append(tx, entityId, version, business) : db.transaction((own) => append(own, entityId, version, business)),
    deliver: (rows: readonly object[]) => {
      const done = refs(rows as Record<string, unknown>[]).map((change) => ({ change, outcome: 'applied' as const }));
      return queue.deliver({ ...delivery, done, ackedSeq: Math.max(0, ...done.map(({ change }) => change.seq)) });
    },
  };
}
