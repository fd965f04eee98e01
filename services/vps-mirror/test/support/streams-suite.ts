import { sha256Hex } from '@sgp/auth/digest';
import { newId } from '@sgp/service-kit/ids';
import { type Change, streamRules } from '@sgp/shared/sync';
import type { Conflict } from '@sgp/shared/sync-payloads';
import { entityDigest, shortOf } from '@sgp/sync-engine/digest';
import type { TestFn } from 'ava';
import type { Payload } from '../../src/ingest/check-change.ts';
import type { DatabaseMaker } from './databases.ts';
import { createDownReader } from './down-reader.ts';
import {
  batchOf,
  batchV2Of,
  changeOf,
  type Edge,
  helloOf,
  newInstance,
  snapshotOf,
  stampAt,
  streamChange,
} from './edge.ts';
import { ackOf, type Bench, call, metric, openBench } from './mirror.ts';

const at = 1_763_768_193_000;
/** One payload of each stream that is no order, with its entity id. */
const samples = (edge: Edge) => {
  const id = newId();
  const stamp = stampAt(at, edge.record.nodeId);
  const edit = { editId: id, entityId: newId(), at: stamp, who: 'Ana' };
  return {
    customers: { customerId: id, name: 'Ana Souza', firstName: 'Ana', createdAt: at },
    machines: {
      machineId: id,
      slug: 'bordadeira-1',
      name: 'Bordadeira',
      kind: 'bordado',
      sector: 'bordado',
      createdAt: at,
    },
    stock: {
      ...{ movementId: id, materialId: newId(), kind: 'receipt', state: 'posted', quantityMilli: 5000 },
      ...{ who: 'Ana', reason: '', at, settledAt: at },
    },
    blocks: { ...edit, kind: 'block', fields: { blocked: { value: true, saw: null } } },
    edits: { ...edit, kind: 'catalogue', fields: { leadDays: { value: 3, saw: null } } },
    audit: { entryId: id, at, who: 'Ana', entity: 'order', entityId: newId(), action: 'status' },
    rollups: {
      ...{ rollupId: id, machineId: newId(), hourStart: at, samples: 1, logLines: 0, good: 2, scrap: 0, runningMs: 3 },
    },
  } satisfies { [S in Exclude<keyof typeof streamRules, 'orders'>]: Payload<S> | object };
};
type OtherStream = keyof ReturnType<typeof samples>;
const otherStreams = Object.keys(streamRules).filter((name) => name !== 'orders') as OtherStream[];
/** Another content that the schema takes. */
const changed = (payload: object): object =>
  'who' in payload ? { who: 'Bia' } : 'createdAt' in payload ? { createdAt: at + 1 } : { samples: 9 };
const idIn = (payload: object): string => String(Object.values(payload)[0]);

/** Opens a bench whose edge said hello. */
async function openGreeted(makeDatabase: DatabaseMaker) {
  const bench = await openBench(makeDatabase);
  const instance = newInstance(bench.edge);
  await call(bench, '/internal/sync/hello', helloOf(bench.edge, instance));
  return { bench, instance, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}
const rowsIn = async (bench: Bench, stream: string): Promise<readonly { version: number; doc: string }[]> =>
  bench.mirror.db('entities').where({ stream }).select('version', 'doc', 'request_id');

/** What the mirror promises about the streams and channels of version 2, the same on every database. */
export function streamsSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  for (const stream of otherStreams) {
    test.serial(
      `${stream}: applied once, then a duplicate; the same version with another content is parked, never written over`,
      async (t) => {
        await using open = await openGreeted(makeDatabase);
        const { bench, instance } = open;
        const { path, kind } = streamRules[stream];
        const payload = samples(bench.edge)[stream];
        const change = streamChange(bench.edge, stream, 1, { entityId: idIn(payload), payload });
        const send = (pushSeq: number, changes: readonly (typeof change)[]) =>
          call(bench, path, batchV2Of(bench.edge, instance, { pushSeq }, changes));
        t.like(ackOf(await send(1, [{ ...change, requestId: 'request-0001' }])), {
          ackedSeq: 1,
          results: [{ outcome: 'applied' }],
        });
        t.like(ackOf(await send(2, [change])).results[0], { outcome: 'duplicate' });
        const [stored] = await rowsIn(bench, stream);
        t.like(stored, { version: 1, request_id: 'request-0001' });
        t.is(sha256Hex(stored?.doc ?? ''), change.hash);

        const other = { ...payload, ...changed(payload) };
        const forged = { ...streamChange(bench.edge, stream, 2, { entityId: idIn(payload), payload: other }), seq: 3 };
        t.like(ackOf(await send(3, [forged])).results[0], { outcome: 'parked', reason: { code: 'VERSION_CONFLICT' } });
        t.deepEqual(await rowsIn(bench, stream), [stored]);
        t.is(await metric(bench.mirror.metrics, 'sgp_mirror_version_conflicts_total', { stream }), 1);

        const next = streamChange(bench.edge, stream, 4, { entityId: idIn(payload), payload: other, version: 2 });
        const outcome = ackOf(await send(4, [next])).results[0]?.outcome;
        t.is(outcome, kind === 'append' ? 'parked' : 'applied', 'an entry that was appended has one version');
        if (kind === 'state') t.like(ackOf(await send(5, [change])).results[0], { outcome: 'stale' });
        t.is((await rowsIn(bench, stream)).length, 1);
      },
    );
  }

  for (const stream of ['orders', 'customers'] as const)
    test.serial(
      `${stream}: what a restored disk writes over without knowing it goes to the ledger and down to its shop, once`,
      async (t) => {
        await using open = await openGreeted(makeDatabase);
        const { bench, instance } = open;
        const entityId = newId();
        const version = (number: number, text: string, lineage: readonly Change[]): Change => {
          const name = { name: text, firstName: text };
          const made =
            stream === 'orders'
              ? changeOf(
                  snapshotOf(bench.edge, {
                    orderId: entityId,
                    version: number,
                    customer: { customerId: entityId, firstName: text },
                  }),
                  number,
                )
              : streamChange(bench.edge, stream, number, {
                  ...{ entityId, version: number, payload: { customerId: entityId, createdAt: at, ...name } },
                });
          return { ...made, lineage: lineage.map((each) => shortOf(entityDigest(sha256Hex, each))) };
        };
        let pushSeq = 0;
        const send = async (change: Change) => {
          pushSeq += 1;
          const { path } = streamRules[stream];
          return ackOf(await call(bench, path, batchV2Of(bench.edge, instance, { pushSeq }, [change]))).results[0];
        };
        const down = createDownReader(bench.mirror, bench.edge);
        const listed = async () => (await bench.mirror.db('conflicts')).map(({ doc }) => JSON.parse(doc) as Conflict);

        const first = version(1, 'one', []);
        const told = version(2, 'two', [first]);
        t.like(await send(first), { outcome: 'applied' });
        t.like(await send(told), { outcome: 'applied' });
        t.deepEqual(await listed(), [], 'a version that was made from what stands replaces it');

        // Restored to the first version, and written twice: the number and the stamp are higher than those at the Core.
        const lost = version(2, 'other', [first]);
        const over = version(3, 'three', [first, lost]);
        t.like(await send(over), { outcome: 'applied' });
        const [entry] = await listed();
        t.like(entry, {
          kind: 'order-restored',
          entityId,
          resolvedAt: null,
          loser: { at: told.updatedAt, who: 'Core' },
        });
        t.is(sha256Hex(entry?.loser.text ?? ''), told.hash);
        t.is(sha256Hex(entry?.winner.text ?? ''), over.hash);
        t.deepEqual(
          (await down.drain()).filter(({ stream: of }) => of === 'conflicts').map(({ payload }) => payload),
          [entry as object],
        );

        t.like(await send(version(4, 'four', [over])), { outcome: 'applied' });
        t.is((await listed()).length, 1, 'it is listed once');
      },
    );

  test.serial('a sender that tells no lineage claims nothing', async (t) => {
    await using open = await openGreeted(makeDatabase);
    const { bench } = open;
    const orderId = newId();
    for (const version of [1, 3]) {
      const change = changeOf(snapshotOf(bench.edge, { orderId, version }), version);
      const outcome = ackOf(await call(bench, streamRules.orders.path, batchOf(bench.edge, version, [change]))).results;
      t.like(outcome[0], { outcome: 'applied' });
    }
    t.is((await bench.mirror.db('conflicts')).length, 0);
  });

  test.serial('what is wrong is parked alone: schema, hash, id, and the kind of an edit', async (t) => {
    await using open = await openGreeted(makeDatabase);
    const { bench, instance } = open;
    const { blocks, edits } = samples(bench.edge);
    const change = (payload: object, entityId = idIn(payload)) =>
      streamChange(bench.edge, 'blocks', 1, { entityId, payload });
    const changes = [
      change(blocks),
      change({ ...blocks, editId: newId(), more: 1 }),
      { ...change({ ...blocks, editId: newId() }), hash: 'a'.repeat(64) },
      change({ ...blocks, editId: newId() }, newId()),
      change({ ...edits, editId: newId() }),
      change({ ...blocks, editId: newId(), fields: { blocked: { value: 'yes', saw: null } } }),
    ].map((each, i) => ({ ...each, seq: i + 1 }));
    const { results } = ackOf(
      await call(bench, streamRules.blocks.path, batchV2Of(bench.edge, instance, { pushSeq: 1 }, changes)),
    );
    t.deepEqual(
      results.map(({ outcome }) => outcome),
      ['applied', ...Array(5).fill('parked')],
    );
    t.deepEqual([...new Set(results.slice(1).map(({ reason }) => reason?.code))], ['BODY_INVALID']);
  });

  test.serial('an address takes changes of its own stream, and version 1 only orders', async (t) => {
    await using open = await openGreeted(makeDatabase);
    const { bench, instance } = open;
    const order = changeOf(snapshotOf(bench.edge), 1);
    const wrong = await call(
      bench,
      streamRules.customers.path,
      batchV2Of(bench.edge, instance, { pushSeq: 1 }, [order]),
    );
    t.like(wrong, { status: 422, code: 'BODY_INVALID' });
    t.like(await call(bench, streamRules.customers.path, batchOf(bench.edge, 1, [])), {
      status: 422,
      code: 'BODY_INVALID',
    });
    t.is(
      (await call(bench, streamRules.orders.path, batchV2Of(bench.edge, instance, { pushSeq: 1 }, [order]))).status,
      200,
    );
  });

  test.serial('each channel has its own numbers, and all together say how far the node is', async (t) => {
    await using open = await openGreeted(makeDatabase);
    const { bench, instance } = open;
    const push = (channel: number, pushSeq: number, seqs: readonly number[], lowWaterSeq = 0) => {
      const changes = seqs.map((seq) => changeOf(snapshotOf(bench.edge), seq));
      return call(
        bench,
        streamRules.orders.path,
        batchV2Of(bench.edge, instance, { channel, pushSeq }, changes, { lowWaterSeq }),
      );
    };
    t.is(ackOf(await push(1, 7, [1, 2, 3])).ackedSeq, 3);
    t.is(ackOf(await push(0, 2, [9])).ackedSeq, 3, 'the mark of another channel counts');
    t.is(ackOf(await push(2, 1, [], 9)).ackedSeq, 9);
    t.like(await push(1, 7, [4]), { code: 'SEQ_STALE', json: { details: { lastPushSeq: 7 } } });
    t.like(await push(0, 2, [4]), { code: 'SEQ_STALE', json: { details: { lastPushSeq: 2 } } });
    const hello = await call(bench, '/internal/sync/hello', helloOf(bench.edge, instance, { lastSeq: 9, ackedSeq: 3 }));
    t.like(hello.json, {
      verdict: 'go-on',
      ackedSeq: 9,
      channels: [
        { channel: 0, pushSeq: 2 },
        { channel: 1, pushSeq: 7 },
        { channel: 2, pushSeq: 1 },
      ],
    });
  });

  test.serial('a sign of life brings how the edge is', async (t) => {
    await using open = await openGreeted(makeDatabase);
    const { bench, instance } = open;
    const health = {
      ...{ pendingChanges: 3, oldestPendingAt: at, parkedChanges: 1, pendingMedia: 0, openConflicts: 0 },
      ...{ diskFreeBytes: 10, diskTotalBytes: 20, version: '0.1.0' },
    };
    await call(bench, streamRules.orders.path, batchV2Of(bench.edge, instance, { pushSeq: 1 }, [], { health }));
    t.deepEqual(JSON.parse((await bench.mirror.db('node_sync').first()).health), health);
  });
}
