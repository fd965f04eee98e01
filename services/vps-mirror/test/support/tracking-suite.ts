import { sha256Hex } from '@sgp/auth/digest';
import { trackedOrderSchema } from '@sgp/shared/api/tracking';
import { limits } from '@sgp/shared/limits';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import type { TestFn } from 'ava';
import { mirrorLimits } from '../../src/mirror-limits.ts';
import type { DatabaseMaker } from './databases.ts';
import { batchOf, changeOf, createEdge, newLink, snapshotOf, stampAt } from './edge.ts';
import { openEventStream } from './event-stream.ts';
import { type Answer, ackOf, type Bench, openBench, push, send, startMirror } from './mirror.ts';

/** What a customer's link opens, the same on every database. */
export function trackingSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  const open = (): Promise<Bench> => openBench(makeDatabase);
  /** Pushes one version of an order and asserts that it was applied. */
  const publish = async (bench: Bench, pushSeq: number, snapshot: OrderSnapshot): Promise<void> => {
    const nowMs = Date.now() + bench.mirror.clock.offsetMs;
    const ack = ackOf(await push(bench, batchOf(bench.edge, pushSeq, [changeOf(snapshot, pushSeq)]), { nowMs }));
    if (ack.results[0]?.outcome !== 'applied') throw new Error(`not applied: ${JSON.stringify(ack.results[0])}`);
  };
  const next = (bench: Bench, before: OrderSnapshot, change: Partial<OrderSnapshot>): OrderSnapshot =>
    snapshotOf(bench.edge, {
      ...before,
      version: before.version + 1,
      updatedAt: stampAt(1_800_000_000_000 + before.version, bench.edge.record.nodeId),
      ...change,
    });
  const ask = (bench: Bench, token: string): Promise<Answer> =>
    send(`${bench.mirror.url}/api/tracking/${token}`, 'GET', {});
  const unlock = (bench: Bench, token: string, last4: string): Promise<Answer> =>
    send(
      `${bench.mirror.url}/api/tracking/${token}/unlock`,
      'POST',
      { 'content-type': 'application/json' },
      Buffer.from(JSON.stringify({ last4 })),
    );

  test.serial(
    'a link opens its order: status, dates, items and only the photos made visible; no price, no hash, no key',
    async (t) => {
      await using bench = await open();
      const { token, tracking } = newLink('2099-01-01T00:00:00Z');
      const { companyId, establishmentId } = bench.edge.record;
      const photo = (mediaId: string, visible: boolean) => {
        const key = (preset: number) => `${companyId}/${establishmentId}/${mediaId}/${preset}`;
        const stage = { key: 'arte', label: 'Arte' };
        const size = { width: 800, height: 600, thumbhash: 'YJqGPQw7sFlslqhFafSE+Q6oJ1h2iHB2Rw' };
        const keys = { 160: key(160), 480: key(480), 1280: key(1280) };
        return { mediaId, takenAt: '2026-11-20T12:00:00Z', stage, ...size, keys, visible };
      };
      const [shown, hidden] = [createEdge().record.nodeId, createEdge().record.nodeId];
      const promise = {
        from: '2026-11-25T20:00:00Z',
        to: '2026-11-27T20:00:00Z',
        reason: 'Faltou linha',
        at: '2026-11-21T12:00:00Z',
      };
      const snapshot = snapshotOf(bench.edge, {
        tracking,
        media: [photo(shown, true), photo(hidden, false)],
        dates: { createdAt: '2026-11-20T12:00:00Z', promisedAt: promise.to, promiseChanges: [promise] },
      });
      await publish(bench, 1, snapshot);
      const answer = await ask(bench, token);
      const order = trackedOrderSchema.parse(answer.json);
      t.like(order, { number: '2847', firstName: 'Ana', status: 'received', version: 1, canUnlock: false });
      t.deepEqual(order.dates.promiseChanges, [promise]);
      t.deepEqual(
        order.media.map(({ mediaId }) => mediaId),
        [shown],
      );
      t.false(answer.text.includes(hidden));
      t.notRegex(answer.text, /Cents|Hash"|"keys"|itemId|customerId|companyId/);
      t.is(answer.headers['x-robots-tag'], 'noindex, nofollow');
      t.is(answer.headers['cache-control'], 'no-store');
    },
  );

  test.serial('an unknown, a revoked, a replaced and an expired link answer exactly alike', async (t) => {
    await using bench = await open();
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const [revoked, replaced, expired] = [newLink(), newLink(), newLink(soon)];
    const orders = [revoked, replaced, expired].map(({ tracking }) => snapshotOf(bench.edge, { tracking }));
    for (const [index, order] of orders.entries()) await publish(bench, index + 1, order);
    const [first, second] = orders as [OrderSnapshot, OrderSnapshot];
    t.is((await ask(bench, expired.token)).status, 200);
    const revokedAt = '2026-11-21T12:00:00Z';
    await publish(bench, 4, next(bench, first, { tracking: { ...revoked.tracking, revokedAt } }));
    await publish(bench, 5, next(bench, second, { tracking: newLink().tracking }));
    bench.mirror.clock.offsetMs = 2 * 3_600_000;
    const tokens = ['A'.repeat(22), 'not-a-token', revoked.token, replaced.token, expired.token];
    const answers = await Promise.all(tokens.map((token) => ask(bench, token)));
    for (const answer of answers) {
      t.like(answer, { status: 404, code: 'NOT_FOUND' });
      const { requestId: _, ...rest } = answer.json;
      const { requestId: __, ...firstRest } = answers[0]?.json ?? {};
      t.deepEqual(rest, firstRest);
    }
    for (const token of tokens) {
      t.is((await unlock(bench, token, '1234')).code, 'NOT_FOUND');
      t.is((await send(`${bench.mirror.url}/api/tracking/${token}/events`, 'GET', {})).code, 'NOT_FOUND');
    }
  });

  test.serial(
    'prices are shown after the last four digits, and five wrong tries close the link for an hour',
    async (t) => {
      await using bench = await open();
      const { token, tracking } = newLink();
      const base = snapshotOf(bench.edge, { tracking });
      const phoneLast4Hash = sha256Hex(`${base.orderId}:4321`);
      await publish(bench, 1, { ...base, customer: { ...base.customer, phoneLast4Hash } });
      t.true((await ask(bench, token)).json.canUnlock);
      const right = await unlock(bench, token, '4321');
      t.deepEqual(right.json, { totalCents: 123_450, paidCents: 50_000, currency: 'BRL' });
      for (let i = 0; i < limits.factorFailuresMax; i += 1)
        t.like(await unlock(bench, token, '0000'), { status: 403, code: 'FACTOR_INVALID' });
      const limited = await unlock(bench, token, '4321');
      t.like(limited, { status: 429, code: 'RATE_LIMITED' });
      t.true(Number(limited.headers['retry-after']) > 3000);
      bench.mirror.clock.offsetMs = limits.factorWindowMs + 1000;
      t.is((await unlock(bench, token, '4321')).status, 200);
    },
  );

  test.serial('tries at the same time get no more guesses, and another replica knows them', async (t) => {
    await using bench = await open();
    const { token, tracking } = newLink();
    const base = snapshotOf(bench.edge, { tracking });
    const phoneLast4Hash = sha256Hex(`${base.orderId}:4321`);
    await publish(bench, 1, { ...base, customer: { ...base.customer, phoneLast4Hash } });
    const guesses = Array.from({ length: 20 }, (_, i) => unlock(bench, token, String(1000 + i)));
    const codes = (await Promise.all(guesses)).map(({ code }) => code);
    t.is(codes.filter((code) => code === 'FACTOR_INVALID').length, limits.factorFailuresMax);
    await using replica = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
    t.is((await unlock({ ...bench, mirror: replica }, token, '4321')).code, 'RATE_LIMITED');
  });

  test.serial('one address gets a bounded number of wrong tries over all links', async (t) => {
    await using bench = await open();
    const links = Array.from({ length: 7 }, () => newLink());
    const changes = links.map(({ tracking }, i) => changeOf(snapshotOf(bench.edge, { tracking }), i + 1));
    t.is((await push(bench, batchOf(bench.edge, 1, changes))).status, 200);
    const codes: (string | undefined)[] = [];
    for (const { token } of links)
      for (let i = 0; i < limits.factorFailuresMax; i += 1) codes.push((await unlock(bench, token, '0000')).code);
    t.is(codes.filter((code) => code === 'FACTOR_INVALID').length, mirrorLimits.factorFailuresPerIpMax);
    t.is(codes.at(-1), 'RATE_LIMITED');
  });

  test.serial('an open stream hears the version at once, and each new one when it is committed', async (t) => {
    await using bench = await open();
    const { token, tracking } = newLink();
    const first = snapshotOf(bench.edge, { tracking });
    await publish(bench, 1, first);
    using stream = await openEventStream(`${bench.mirror.url}/api/tracking/${token}/events`);
    await stream.reached(1);
    t.is(stream.response.headers['content-type'], 'text/event-stream; charset=utf-8');
    t.is(stream.response.headers['x-robots-tag'], 'noindex, nofollow');
    const second = next(bench, first, { status: 'approved' });
    await publish(bench, 2, second);
    await stream.reached(2);
    await publish(bench, 3, next(bench, second, { status: 'in_production' }));
    await stream.reached(3);
    t.deepEqual(stream.versions, [1, 2, 3]);
  });

  test.serial("another order's news does not reach a stream, and a stale or repeated push makes none", async (t) => {
    await using bench = await open();
    const { token, tracking } = newLink();
    const mine = snapshotOf(bench.edge, { tracking });
    await publish(bench, 1, mine);
    using stream = await openEventStream(`${bench.mirror.url}/api/tracking/${token}/events`);
    await stream.reached(1);
    await publish(bench, 2, snapshotOf(bench.edge, { tracking: newLink().tracking }));
    await push(bench, batchOf(bench.edge, 3, [changeOf(mine, 3)]));
    await publish(bench, 4, next(bench, mine, {}));
    await stream.reached(2);
    t.deepEqual(stream.versions, [1, 2]);
  });

  test.serial('a link that is revoked or replaced ends its open streams', async (t) => {
    await using bench = await open();
    const [revoked, replaced] = [newLink(), newLink()];
    const [first, second] = [revoked, replaced].map(({ tracking }) => snapshotOf(bench.edge, { tracking })) as [
      OrderSnapshot,
      OrderSnapshot,
    ];
    await publish(bench, 1, first);
    await publish(bench, 2, second);
    const openStream = ({ token }: { readonly token: string }) =>
      openEventStream(`${bench.mirror.url}/api/tracking/${token}/events`);
    using ofRevoked = await openStream(revoked);
    using ofReplaced = await openStream(replaced);
    for (const stream of [ofRevoked, ofReplaced]) await stream.reached(1);
    const revokedAt = '2026-11-21T12:00:00Z';
    await publish(bench, 3, next(bench, first, { tracking: { ...revoked.tracking, revokedAt } }));
    await ofRevoked.ended;
    const fresh = newLink();
    await publish(bench, 4, next(bench, second, { tracking: fresh.tracking }));
    await ofReplaced.ended;
    t.is((await ask(bench, fresh.token)).json.version, 2);
    t.deepEqual(ofRevoked.versions, [1], 'a dead link hears nothing any more');
  });

  test.serial('a link that runs out ends its open streams at that moment', async (t) => {
    await using bench = await open();
    const expiresAt = Date.now() + 4000;
    const { token, tracking } = newLink(new Date(expiresAt).toISOString());
    await publish(bench, 1, snapshotOf(bench.edge, { tracking }));
    using stream = await openEventStream(`${bench.mirror.url}/api/tracking/${token}/events`);
    await stream.reached(1);
    await stream.ended;
    t.true(Date.now() >= expiresAt - 50);
    t.is((await ask(bench, token)).status, 404);
  });

  test.serial('one link holds a bounded number of streams', async (t) => {
    await using bench = await open();
    const { token, tracking } = newLink();
    await publish(bench, 1, snapshotOf(bench.edge, { tracking }));
    const url = `${bench.mirror.url}/api/tracking/${token}/events`;
    const streams = await Promise.all(
      Array.from({ length: mirrorLimits.streamsPerLinkMax }, () => openEventStream(url)),
    );
    t.is((await send(url, 'GET', {})).code, 'RATE_LIMITED');
    for (const stream of streams) stream[Symbol.dispose]();
  });
}
