import { newId } from '@sgp/service-kit/ids';
import { streamRules } from '@sgp/shared/sync';
import type { TestFn } from 'ava';
import type { DatabaseMaker } from './databases.ts';
import { batchOf, batchV2Of, changeOf, createEdge, helloOf, type Instance, newInstance, snapshotOf } from './edge.ts';
import { type Bench, call, metric, openBench, send, testOperatorToken } from './mirror.ts';

const helloPath = '/internal/sync/hello';
const hello = (bench: Bench, instance: Instance, overrides: Parameters<typeof helloOf>[2] = {}) =>
  call(bench, helloPath, helloOf(bench.edge, instance, overrides));
const push = (bench: Bench, instance: Instance, pushSeq: number, seqs: readonly number[] = []) =>
  call(
    bench,
    streamRules.orders.path,
    batchV2Of(
      bench.edge,
      instance,
      { pushSeq },
      seqs.map((seq) => changeOf(snapshotOf(bench.edge), seq)),
    ),
  );
const clearFork = (bench: Bench, headers: Record<string, string>) =>
  send(`${bench.mirror.url}/api/core/nodes/${bench.edge.record.nodeId}/clear-fork`, 'POST', headers);

/** What the mirror promises about handshakes, through HTTP with real signatures, the same on every database. */
export function helloSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  const open = (): Promise<Bench> => openBench(makeDatabase);

  test.serial('a node that was never heard of goes on; a push without a handshake is superseded', async (t) => {
    await using bench = await open();
    const instance = newInstance(bench.edge);
    t.like(await push(bench, instance, 1, [1]), { status: 409, code: 'NODE_SUPERSEDED' });
    t.is((await bench.mirror.db('orders')).length, 0);
    const answer = await hello(bench, instance);
    t.like(answer.json, { schemaVersion: 2, verdict: 'go-on', ackedSeq: 0, channels: [] });
    t.true(Math.abs(answer.json.coreTimeMs - Date.now()) < 60_000);
    t.is((await push(bench, instance, 1, [1])).status, 200);
  });

  test.serial(
    'a restart takes over: the start before is superseded, told by whom, and nothing of it is applied',
    async (t) => {
      await using bench = await open();
      const first = newInstance(bench.edge);
      const second = newInstance(bench.edge, { generation: 2 });
      await hello(bench, first);
      await push(bench, first, 1, [1, 2]);
      t.like((await hello(bench, second, { lastSeq: 2, ackedSeq: 2 })).json, { verdict: 'go-on', ackedSeq: 2 });
      t.like(await push(bench, first, 2, [3]), {
        status: 409,
        code: 'NODE_SUPERSEDED',
        json: { details: { presentInstance: second.instanceId } },
      });
      t.is((await bench.mirror.db('orders')).length, 2);
      t.is((await push(bench, second, 2, [3])).status, 200);
      const starts = await bench.mirror.db('node_instances').orderBy('generation');
      t.deepEqual(
        starts.map((row) => [row.instance_id, row.superseded_at === null]),
        [
          [first.instanceId, false],
          [second.instanceId, true],
        ],
      );
    },
  );

  test.serial('a straggler of the network changes nothing', async (t) => {
    await using bench = await open();
    const first = newInstance(bench.edge);
    const second = newInstance(bench.edge, { generation: 2 });
    await hello(bench, first);
    await hello(bench, second);
    t.like((await hello(bench, first)).json, { verdict: 'new-epoch' });
    t.is((await push(bench, second, 1, [1])).status, 200);
  });

  test.serial('a disk that knows less than it once told needs a new epoch, which is then compared', async (t) => {
    await using bench = await open();
    const first = newInstance(bench.edge);
    await hello(bench, first);
    await push(bench, first, 1, [1, 2, 3]);
    const restored = newInstance(bench.edge, { generation: 2 });
    t.like((await hello(bench, restored, { lastSeq: 2, ackedSeq: 2 })).json, { verdict: 'new-epoch' });
    t.is((await push(bench, restored, 2, [3])).code, 'NODE_SUPERSEDED', 'not before it has a new epoch');
    const renewed = newInstance(bench.edge, { epoch: newId() });
    t.like((await hello(bench, renewed, { parentEpoch: first.epoch, lastSeq: 2 })).json, {
      verdict: 'compare',
      ackedSeq: 0,
      channels: [],
    });
    t.is((await push(bench, renewed, 1, [1])).status, 200);
    const old = newInstance(bench.edge, { generation: 9 });
    t.like(
      (await hello(bench, old, { lastSeq: 9, ackedSeq: 3 })).json,
      { verdict: 'new-epoch' },
      'an epoch is never taken up again',
    );
  });

  test.serial(
    'the epoch that a new one went out from is former, though the mirror was restored and forgot it',
    async (t) => {
      await using bench = await open();
      const first = newInstance(bench.edge);
      const forgotten = newInstance(bench.edge, { epoch: newId() });
      const renewed = newInstance(bench.edge, { epoch: newId() });
      await hello(bench, first);
      t.like((await hello(bench, renewed, { parentEpoch: forgotten.epoch })).json, { verdict: 'compare' });
      const straggler = await hello(bench, forgotten, { parentEpoch: first.epoch });
      t.like(straggler.json, { verdict: 'new-epoch' }, 'a straggler of it is nobody’s copy');
      t.is((await push(bench, renewed, 1, [1])).status, 200, 'and takes nobody’s place');
      t.is(
        (await bench.mirror.db('node_instances').where({ epoch: renewed.epoch }).first()).parent_epoch,
        forgotten.epoch,
      );
    },
  );

  test.serial('a Core that knows less than it acknowledged compares', async (t) => {
    await using bench = await open();
    const instance = newInstance(bench.edge);
    await hello(bench, instance);
    await push(bench, instance, 1, [1, 2, 3]);
    await bench.mirror.db('push_checkpoints').update({ acked_seq: 1, max_seq: 1 });
    t.like((await hello(bench, instance, { lastSeq: 3, ackedSeq: 3 })).json, { verdict: 'compare', ackedSeq: 1 });
  });

  test.serial('two live copies of one disk are found, and nothing goes on until the vendor decided', async (t) => {
    await using bench = await open();
    const one = newInstance(bench.edge);
    const copy = newInstance(bench.edge, { epoch: newId() });
    await hello(bench, one);
    await push(bench, one, 1, [1]);
    t.like((await hello(bench, copy, { parentEpoch: one.epoch, lastSeq: 1 })).json, { verdict: 'compare' });
    const { json } = await push(bench, one, 2, [2]);
    t.is(json.details.presentInstance, copy.instanceId);
    const forked = await hello(bench, one, { lastSeq: 2, ackedSeq: 1, superseded: json.details.presentInstance });
    t.like(forked, { status: 409, code: 'NODE_STATE_FORKED' });

    const everything = [
      () => push(bench, copy, 1, [2]),
      () => push(bench, one, 2, [2]),
      () => hello(bench, copy, { lastSeq: 1 }),
      () => call(bench, streamRules.orders.path, batchOf(bench.edge, 9, [])),
      () =>
        call(bench, '/internal/sync/digest', {
          ...{ schemaVersion: 2, companyId: bench.edge.record.companyId, nodeId: bench.edge.record.nodeId },
          ...{ establishmentId: bench.edge.record.establishmentId, sentAtMs: Date.now(), level: 'roots', streams: [] },
        }),
    ];
    for (const attempt of everything) t.like(await attempt(), { status: 409, code: 'NODE_STATE_FORKED' });
    t.is((await bench.mirror.db('orders')).length, 1, 'nothing was applied meanwhile');
    t.true((await metric(bench.mirror.metrics, 'sgp_mirror_refused_total', { code: 'NODE_STATE_FORKED' })) >= 6);

    for (const headers of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: `Bearer ${bench.license.serviceToken}` },
    ])
      t.like(await clearFork(bench, headers as Record<string, string>), { status: 401, code: 'TOKEN_INVALID' });
    t.is((await clearFork(bench, { authorization: `Bearer ${testOperatorToken}` })).status, 204);
    t.like((await hello(bench, copy, { lastSeq: 1 })).json, { verdict: 'go-on' });
    t.is((await push(bench, copy, 1, [2])).status, 200);
  });

  test.serial('a fork of a node that never said hello is nobody’s; another node is not touched by one', async (t) => {
    await using bench = await open();
    t.is((await clearFork(bench, { authorization: `Bearer ${testOperatorToken}` })).code, 'NOT_FOUND');
    const one = newInstance(bench.edge);
    await hello(bench, one);
    await bench.mirror.db('node_sync').update({ forked_at: 1 });
    const other = { ...bench, edge: bench.enrol(createEdge()) };
    const instance = newInstance(other.edge);
    t.like((await call(other, helloPath, helloOf(other.edge, instance))).json, { verdict: 'go-on' });
  });

  test.serial('a handshake is signed, of its own node, and of its schema', async (t) => {
    await using bench = await open();
    const good = helloOf(bench.edge, newInstance(bench.edge));
    const foreign = { ...good, companyId: createEdge().record.companyId };
    t.is((await call(bench, helloPath, foreign)).code, 'TENANT_MISMATCH');
    t.is((await call(bench, helloPath, { ...good, more: 1 })).code, 'BODY_INVALID');
    t.is((await call(bench, helloPath, good, { tag: 'checkin/1' })).code, 'SIG_POLICY');
    t.is((await send(bench.mirror.url + helloPath, 'POST', { 'x-api-key': bench.edge.apiKey })).code, 'SIG_POLICY');
    t.is((await bench.mirror.db('node_sync')).length, 0);
  });

  test.serial('of handshakes at once one after the other is judged: the highest generation stands', async (t) => {
    await using bench = await open();
    const starts = [1, 2, 3, 4, 5, 6].map((generation) => newInstance(bench.edge, { generation }));
    const answers = await Promise.all(starts.map((instance) => hello(bench, instance)));
    t.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const present = await bench.mirror.db('node_sync').first();
    t.is(present.instance_id, starts.at(-1)?.instanceId);
  });
}
