import { streamRules } from '@sgp/shared/sync';
import type { TestFn } from 'ava';
import { mirrorLimits } from '../../src/mirror-limits.ts';
import type { DatabaseMaker } from './databases.ts';
import { batchOf, batchV2Of, changeOf, helloOf, newInstance, newLink, snapshotOf, stampAt } from './edge.ts';
import { ackOf, call, metric, openBench, push, send, testOperatorToken } from './mirror.ts';

/** What the mirror promises about the trail of an order, the same on every database. */
export function trailSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  const open = async () => {
    const bench = await openBench(makeDatabase);
    const { edge, mirror } = bench;
    const instance = newInstance(edge);
    await call(bench, '/internal/sync/hello', helloOf(edge, instance));
    const { token, tracking } = newLink();
    const first = snapshotOf(edge, { tracking });
    const of = (version: number) =>
      snapshotOf(edge, { ...first, version, updatedAt: stampAt(1_800_000_000_000 + version, edge.record.nodeId) });
    const { companyId, establishmentId } = edge.record;
    const trailUrl = `${mirror.url}/api/core/trail/${companyId}/${establishmentId}/${first.orderId}`;
    return {
      ...{ bench, edge, mirror, first, of },
      push: (pushSeq: number, version: number | null, channel = 0) => {
        const changes =
          version === null ? [] : [{ ...changeOf(of(version), version), requestId: `request-000${version}` }];
        const nowMs = Date.now() + mirror.clock.offsetMs;
        return call(bench, streamRules.orders.path, batchV2Of(edge, instance, { channel, pushSeq }, changes), {
          nowMs,
        });
      },
      view: () => send(`${mirror.url}/api/tracking/${token}`, 'GET', {}),
      page: () => send(`${mirror.url}/p/${token}`, 'GET', {}),
      trail: async (headers: Record<string, string> = { authorization: `Bearer ${testOperatorToken}` }) =>
        send(trailUrl, 'GET', headers),
      [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
    };
  };

  test.serial('every version is followed by its request id: received, applied, first shown', async (t) => {
    await using it = await open();
    const began = Date.now();
    await it.push(1, 1);
    t.like((await it.trail()).json.versions, [{ version: 1, requestId: 'request-0001', shownAt: null }] as never);
    t.is((await it.view()).status, 200);
    await it.push(2, 2);
    await it.push(3, 3);
    t.is((await it.page()).status, 200);
    const { versions } = (await it.trail()).json;
    t.deepEqual(
      versions.map(({ version, requestId }: { version: number; requestId: string }) => [version, requestId]),
      [
        [1, 'request-0001'],
        [3, 'request-0003'],
      ],
      'a version that nobody saw is followed until the next one comes',
    );
    for (const { receivedAt, appliedAt, shownAt } of versions) {
      t.true(began <= receivedAt && receivedAt <= appliedAt, 'received, then applied');
      t.true(appliedAt <= shownAt && shownAt <= Date.now(), 'then shown');
    }
  });

  test.serial(
    'an acknowledgement of the live channel tells what was shown, and only the first time counts',
    async (t) => {
      await using it = await open();
      await it.push(1, 1);
      t.is(ackOf(await it.push(2, null)).shown, undefined, 'nobody looked yet');
      await Promise.all([it.view(), it.view(), it.page()]);
      t.is(ackOf(await it.push(1, null, 1)).shown, undefined, 'the backlog channels carry no news');
      const { shown } = ackOf(await it.push(3, null));
      t.like(shown, [{ entityId: it.first.orderId, version: 1 }] as never);
      t.is(shown?.length, 1);
      await it.view();
      t.deepEqual(ackOf(await it.push(4, null)).shown, shown, 'an answer may have been lost: it is told for a while');
      it.mirror.clock.offsetMs += mirrorLimits.shownToldForMs + 1000;
      t.is(ackOf(await it.push(5, null)).shown, undefined);
      await it.push(6, 2);
      await it.view();
      t.like(ackOf(await it.push(7, null)).shown, [{ entityId: it.first.orderId, version: 2 }] as never);
    },
  );

  test.serial('a push of version 1 is answered without the member that it does not know', async (t) => {
    await using it = await open();
    await it.push(1, 1);
    await it.view();
    const answer = await push(it.bench, batchOf(it.edge, 9, []));
    t.deepEqual(Object.keys(answer.json).sort(), ['ackedSeq', 'committedAtMs', 'epoch', 'pushSeq', 'results']);
  });

  test.serial('the trail is the vendor’s alone, and of an order that is here', async (t) => {
    await using it = await open();
    t.is((await it.trail()).code, 'NOT_FOUND');
    await it.push(1, 1);
    t.is((await it.trail({})).code, 'TOKEN_INVALID');
    t.is((await it.trail({ authorization: 'Bearer ' })).code, 'TOKEN_INVALID');
    t.is((await it.trail({ 'x-api-key': it.edge.apiKey })).code, 'TOKEN_INVALID');
  });

  test.serial('what a stream brings is counted by stream: changes by outcome, batches, bytes', async (t) => {
    await using it = await open();
    const { metrics } = it.mirror;
    await it.push(1, 2);
    await it.push(2, 2);
    await it.push(3, 1);
    for (const outcome of ['applied', 'duplicate', 'stale'])
      t.is(await metric(metrics, 'sgp_mirror_changes_total', { stream: 'orders', outcome }), 1, outcome);
    t.is(await metric(metrics, 'sgp_mirror_batches_total', { stream: 'orders', outcome: 'committed' }), 3);
    t.true((await metric(metrics, 'sgp_mirror_push_bytes_total', { stream: 'orders', kind: 'inflated' })) > 3000);
  });
}
