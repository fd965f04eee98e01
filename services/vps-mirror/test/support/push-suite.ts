import { changeHash } from '@sgp/auth/digest';
import { verifyRequest } from '@sgp/auth/http-signature';
import type { PublicJwk } from '@sgp/shared/api/licensing';
import type { Json } from '@sgp/shared/canonical-json';
import type { Change, ChangeResult } from '@sgp/shared/sync';
import { decideBatch, type InboxRow } from '@sgp/sync-engine/inbox';
import type { TestFn } from 'ava';
import fc from 'fast-check';
import { createEvidenceRetention } from '../../src/ingest/evidence-retention.ts';
import { mirrorLimits } from '../../src/mirror-limits.ts';
import type { DatabaseMaker } from './databases.ts';
import { batchOf, changeOf, createEdge, encodeGzip, newIdempotencyKey, snapshotOf, stampAt } from './edge.ts';
import { ackOf, type Bench, metric, openBench, push, startMirror, testAuthority } from './mirror.ts';

const outcomes = (results: readonly ChangeResult[]): readonly string[] => results.map(({ outcome }) => outcome);

const storedOrders = async (
  bench: Bench,
): Promise<readonly { order_id: string; version: number; hash: string; doc: string }[]> =>
  bench.mirror.db('orders').select('order_id', 'version', 'hash', 'doc').orderBy('order_id');

/** What the mirror promises about a push, the same on every database. */
export function pushSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  const open = (): Promise<Bench> => openBench(makeDatabase);

  test.serial('a push is applied and acknowledged: every change has its result, in order', async (t) => {
    await using bench = await open();
    const changes = [1, 2, 3].map((seq) => changeOf(snapshotOf(bench.edge), seq));
    const ack = ackOf(await push(bench, batchOf(bench.edge, 1, changes)));
    t.like(ack, { epoch: bench.edge.epoch, pushSeq: 1, ackedSeq: 3 });
    t.deepEqual(
      ack.results,
      changes.map(({ seq, id }) => ({ seq, id, outcome: 'applied' as const })),
    );
    t.is((await storedOrders(bench)).length, 3);
    t.is(await metric(bench.mirror.metrics, 'sgp_mirror_changes_total', { outcome: 'applied' }), 3);
  });

  test.serial('a gzip body is inflated and applied', async (t) => {
    await using bench = await open();
    const changes = Array.from({ length: 500 }, (_, i) => changeOf(snapshotOf(bench.edge), i + 1));
    const body = encodeGzip(batchOf(bench.edge, 1, changes));
    const ack = ackOf(await push(bench, body, { contentEncoding: 'gzip' }));
    t.is(ack.ackedSeq, 500);
    t.is((await storedOrders(bench)).length, 500);
  });

  test.serial('a push that is old goes once no order stands as it brought it, in steps; the others stay', async (t) => {
    await using bench = await open();
    const { db } = bench.mirror;
    const first = snapshotOf(bench.edge);
    const kept = snapshotOf(bench.edge);
    await push(bench, batchOf(bench.edge, 1, [changeOf(first, 1)]));
    await push(bench, batchOf(bench.edge, 2, [changeOf(kept, 2)]));
    const next = snapshotOf(bench.edge, {
      ...first,
      version: 2,
      updatedAt: stampAt(Date.now() + 60_000, bench.edge.record.nodeId),
    });
    await push(bench, batchOf(bench.edge, 3, [changeOf(next, 3)]));
    const pushes = async (): Promise<readonly number[]> =>
      (await db('push_batches').orderBy('push_seq').select('push_seq')).map((row) => row.push_seq);
    const retention = createEvidenceRetention(db, 1);
    const lifeMs = mirrorLimits.evidenceKeptDays * 24 * 60 * 60_000;
    for (let n = 0; n < 4; n += 1) await retention.purge(Date.now() + lifeMs - 60_000);
    t.deepEqual(await pushes(), [1, 2, 3], 'younger than it is kept');
    await retention.purge(Date.now() + lifeMs + 60_000);
    t.deepEqual(await pushes(), [2, 3], 'superseded and old');
    for (let n = 0; n < 4; n += 1) await retention.purge(Date.now() + lifeMs + 60_000);
    t.deepEqual(await pushes(), [2, 3], 'both stand for the present version of an order');
  });

  test.serial('an empty push is a sign of life: it is acknowledged and moves the checkpoint', async (t) => {
    await using bench = await open();
    const ack = ackOf(
      await push(bench, batchOf(bench.edge, 1, [], { lowWaterSeq: 7, sentAtMs: Date.now() - 3_600_000 })),
    );
    t.deepEqual([ack.ackedSeq, ack.results], [7, []]);
    const row = await bench.mirror.db('push_checkpoints').first();
    t.like(row, { node_id: bench.edge.record.nodeId, push_seq: 1, acked_seq: 7 });
    t.true(Math.abs(row.skew_ms + 3_600_000) < 60_000, 'the skew of the edge was measured');
  });

  test.serial(
    'a version that came before is a duplicate, an older one is stale, and neither changes anything',
    async (t) => {
      await using bench = await open();
      const v2 = snapshotOf(bench.edge, { version: 2 });
      const v1 = snapshotOf(bench.edge, { ...v2, version: 1, updatedAt: stampAt(1000, bench.edge.record.nodeId) });
      await push(bench, batchOf(bench.edge, 1, [changeOf(v2, 2)]));
      const before = await storedOrders(bench);
      const ack = ackOf(await push(bench, batchOf(bench.edge, 2, [changeOf(v2, 2), changeOf(v1, 1)])));
      t.deepEqual(outcomes(ack.results), ['duplicate', 'stale']);
      t.deepEqual(await storedOrders(bench), before);
    },
  );

  test.serial('several versions of one order in one push leave the newest', async (t) => {
    await using bench = await open();
    const v1 = snapshotOf(bench.edge);
    const of = (version: number) =>
      snapshotOf(bench.edge, { ...v1, version, updatedAt: stampAt(1_800_000_000_000 + version, v1.originNodeId) });
    const ack = ackOf(
      await push(bench, batchOf(bench.edge, 1, [changeOf(v1, 1), changeOf(of(3), 3), changeOf(of(2), 2)])),
    );
    t.deepEqual(outcomes(ack.results), ['stale', 'applied', 'stale']);
    t.is((await storedOrders(bench))[0]?.version, 3);
  });

  test.serial('the same version with another content is parked, raises the alarm and overwrites nothing', async (t) => {
    await using bench = await open();
    const first = snapshotOf(bench.edge);
    await push(bench, batchOf(bench.edge, 1, [changeOf(first, 1)]));
    const before = await storedOrders(bench);
    const other = { ...first, number: '9999' };
    const ack = ackOf(await push(bench, batchOf(bench.edge, 2, [changeOf(other, 2)])));
    t.like(ack.results[0], { outcome: 'parked', reason: { code: 'VERSION_CONFLICT' } });
    t.deepEqual(await storedOrders(bench), before);
    t.is(await metric(bench.mirror.metrics, 'sgp_mirror_version_conflicts_total'), 1);
    t.like(await bench.mirror.db('parked_changes').first(), { entity_id: first.orderId, code: 'VERSION_CONFLICT' });
  });

  test.serial('one wrong change is parked with its reason and never blocks the batch', async (t) => {
    await using bench = await open();
    const { edge } = bench;
    const foreign = createEdge().record;
    const good = changeOf(snapshotOf(edge), 1);
    const mediaId = edge.record.nodeId;
    const keys = (company: string) => ({
      160: `${company}/${edge.record.establishmentId}/${mediaId}/160`,
      480: `${company}/${edge.record.establishmentId}/${mediaId}/480`,
      1280: `${company}/${edge.record.establishmentId}/${mediaId}/1280`,
    });
    const photo = (company: string) => ({
      mediaId,
      takenAt: '2026-11-20T12:00:00Z',
      stage: { key: 'arte', label: 'Arte' },
      width: 10,
      height: 10,
      thumbhash: 'aa',
      keys: keys(company),
      visible: true,
    });
    const withPayload = (payload: Record<string, Json>): Change => ({
      ...changeOf(snapshotOf(edge), 9),
      payload: payload as Change['payload'],
      hash: changeHash(payload),
    });
    const wrong: readonly (readonly [Change, string])[] = [
      [withPayload({ hello: 'there' }), 'BODY_INVALID'],
      [{ ...changeOf(snapshotOf(edge), 3), hash: 'a'.repeat(64) }, 'BODY_INVALID'],
      [{ ...changeOf(snapshotOf(edge), 4), entityId: edge.record.nodeId }, 'BODY_INVALID'],
      [{ ...changeOf(snapshotOf(edge), 5), version: 2 }, 'BODY_INVALID'],
      [changeOf(snapshotOf(edge, { companyId: foreign.companyId }), 6), 'TENANT_MISMATCH'],
      [changeOf(snapshotOf(edge, { establishmentId: foreign.establishmentId }), 7), 'TENANT_MISMATCH'],
      [changeOf(snapshotOf(edge, { media: [photo(foreign.companyId)] }), 8), 'TENANT_MISMATCH'],
    ];
    const own = changeOf(snapshotOf(edge, { media: [photo(edge.record.companyId)] }), 2);
    const ack = ackOf(await push(bench, batchOf(edge, 1, [good, ...wrong.map(([change]) => change), own])));
    t.deepEqual(outcomes(ack.results), ['applied', ...wrong.map(() => 'parked'), 'applied']);
    t.deepEqual(
      ack.results.slice(1, -1).map(({ reason }) => reason?.code as string),
      wrong.map(([, code]) => code),
    );
    t.is((await storedOrders(bench)).length, 2);
    t.is(ack.ackedSeq, 2, 'nothing at or below the mark is open');
  });

  test.serial('push/stale-seq: a push number that is not above the last one is refused', async (t) => {
    await using bench = await open();
    t.is((await push(bench, batchOf(bench.edge, 5, []))).status, 200);
    const change = changeOf(snapshotOf(bench.edge), 1);
    for (const pushSeq of [4, 5])
      t.like(await push(bench, batchOf(bench.edge, pushSeq, [change])), {
        status: 409,
        code: 'SEQ_STALE',
        json: { details: { lastPushSeq: 5 } },
      });
    t.is((await storedOrders(bench)).length, 0, 'nothing of a refused push is kept');
    t.is((await push(bench, batchOf(bench.edge, 6, [change]))).status, 200);
  });

  test.serial('push/two-writers: of two pushes with one number at the same time exactly one is taken', async (t) => {
    await using bench = await open();
    const pushes = Array.from({ length: 6 }, (_, i) =>
      push(bench, batchOf(bench.edge, 1, [changeOf(snapshotOf(bench.edge), i + 1)])),
    );
    const answers = await Promise.all(pushes);
    t.is(answers.filter(({ status }) => status === 200).length, 1);
    t.is(answers.filter(({ code }) => code === 'SEQ_STALE').length, 5);
    t.is((await storedOrders(bench)).length, 1);
  });

  test.serial(
    'a lost answer is given again: the same key and body, signed anew, is answered alike and applied once',
    async (t) => {
      await using bench = await open();
      const batch = batchOf(bench.edge, 1, [changeOf(snapshotOf(bench.edge), 1)]);
      const idempotencyKey = newIdempotencyKey();
      const first = await push(bench, batch, { idempotencyKey });
      const again = await Promise.all(Array.from({ length: 4 }, () => push(bench, batch, { idempotencyKey })));
      for (const answer of again) t.deepEqual(ackOf(answer), ackOf(first));
      t.is(await metric(bench.mirror.metrics, 'sgp_mirror_batches_total', { outcome: 'committed' }), 1);
      t.is(await metric(bench.mirror.metrics, 'sgp_mirror_batches_total', { outcome: 'repeated' }), 4);
    },
  );

  test.serial('equal pushes at the same time all get the one answer', async (t) => {
    await using bench = await open();
    const batch = batchOf(bench.edge, 1, [changeOf(snapshotOf(bench.edge), 1)]);
    const idempotencyKey = newIdempotencyKey();
    const answers = await Promise.all(Array.from({ length: 6 }, () => push(bench, batch, { idempotencyKey })));
    t.is(new Set(answers.map(({ text }) => text)).size, 1);
    t.is(answers[0]?.status, 200);
  });

  test.serial(
    'push/idem-conflict: a key that was used with another body is refused, whatever its number',
    async (t) => {
      await using bench = await open();
      const idempotencyKey = newIdempotencyKey();
      t.is((await push(bench, batchOf(bench.edge, 3, []), { idempotencyKey })).status, 200);
      for (const pushSeq of [2, 3, 4]) {
        const other = batchOf(bench.edge, pushSeq, [changeOf(snapshotOf(bench.edge), 1)]);
        t.like(await push(bench, other, { idempotencyKey }), {
          status: 422,
          code: 'IDEMPOTENCY_CONFLICT',
          json: { details: { lastPushSeq: 3 } },
        });
      }
      t.is((await storedOrders(bench)).length, 0);
    },
  );

  test.serial('an edge that was restored from a backup goes on above the number that the refusal names', async (t) => {
    await using bench = await open();
    const { edge } = bench;
    const keyOf = (pushSeq: number) => ({ idempotencyKey: `${edge.epoch}-${pushSeq}` });
    for (const pushSeq of [1, 2, 4000])
      t.is((await push(bench, batchOf(edge, pushSeq, []), keyOf(pushSeq))).status, 200);
    const change = changeOf(snapshotOf(edge), 1);
    // The backup knows of push 1: number 2 is taken with other bytes, number 3 was never used but is too low.
    for (const [pushSeq, code] of [
      [2, 'IDEMPOTENCY_CONFLICT'],
      [3, 'SEQ_STALE'],
    ] as const) {
      const answer = await push(bench, batchOf(edge, pushSeq, [change]), keyOf(pushSeq));
      t.like(answer, { code, json: { details: { lastPushSeq: 4000 } } });
    }
    t.is((await push(bench, batchOf(edge, 4001, [change]), keyOf(4001))).status, 200);
    t.is((await storedOrders(bench)).length, 1);
  });

  test.serial('a restricted licence parks new orders and lets known ones go on', async (t) => {
    await using bench = await open();
    const { record } = bench.edge;
    const known = snapshotOf(bench.edge);
    await push(bench, batchOf(bench.edge, 1, [changeOf(known, 1)]));
    bench.license.records.set(record.shortId, { ...record, licenceActive: false });
    bench.mirror.clock.offsetMs = mirrorLimits.nodeRecordMaxAgeMs + 1000;
    const nowMs = Date.now() + bench.mirror.clock.offsetMs;
    const next = snapshotOf(bench.edge, { ...known, version: 2, updatedAt: stampAt(1_900_000_000_000, record.nodeId) });
    const changes = [changeOf(next, 2), changeOf(snapshotOf(bench.edge), 3)];
    const { results } = ackOf(await push(bench, batchOf(bench.edge, 2, changes), { nowMs }));
    t.deepEqual(outcomes(results), ['applied', 'parked']);
    t.is(results[1]?.reason?.code, 'LICENSE_RESTRICTED');
  });

  test.serial("one company's order is never touched by another company's push with its id", async (t) => {
    await using bench = await open();
    const mine = snapshotOf(bench.edge);
    await push(bench, batchOf(bench.edge, 1, [changeOf(mine, 1)]));
    const other = bench.enrol(createEdge());
    const theirs = snapshotOf(other, { orderId: mine.orderId, version: 9, number: '666' });
    t.is((await push({ mirror: bench.mirror, edge: other }, batchOf(other, 1, [changeOf(theirs, 1)]))).status, 200);
    const rows = await storedOrders(bench);
    t.deepEqual(rows.map(({ version }) => version).sort(), [1, 9]);
  });

  test.serial(
    'push/evidence-reverifies: what is stored proves the push after the key was revoked, and holds no secret',
    async (t) => {
      await using bench = await open();
      await push(bench, encodeGzip(batchOf(bench.edge, 1, [changeOf(snapshotOf(bench.edge), 1)])), {
        contentEncoding: 'gzip',
      });
      bench.license.records.delete(bench.edge.record.shortId);
      const order = await bench.mirror.db('orders').first();
      const row = await bench.mirror.db('push_batches').where({ batch_id: order.batch_id }).first();
      const evidence = JSON.parse(row.evidence);
      const secret = bench.edge.apiKey.slice(-43);
      t.false(JSON.stringify(row).includes(secret));
      const fields = Object.entries(evidence.covered as Record<string, string>).filter(
        ([name]) => !name.startsWith('@'),
      );
      const verify = (body: Buffer) =>
        verifyRequest(
          {
            method: evidence.covered['@method'],
            path: evidence.covered['@path'],
            query: '',
            rawHeaders: [
              ...fields.flat(),
              ...['signature', evidence.signature, 'signature-input', evidence.signatureInput],
            ],
            body,
          },
          {
            authority: testAuthority,
            tag: 'snapshot-push/1',
            nowMs: Date.now(),
            findKey: () => evidence.publicJwk as PublicJwk,
          },
        );
      t.is((await verify(row.body)).keyId, String(bench.edge.record.keys[0]?.keyId));
      const tampered = Buffer.from(row.body);
      tampered[20] = (tampered[20] ?? 0) ^ 1;
      await t.throwsAsync(verify(tampered), { message: /Content-Digest/ });
    },
  );

  test.serial('a mirror that starts anew goes on where it stood, and several may start at once', async (t) => {
    await using bench = await open();
    await push(bench, batchOf(bench.edge, 1, [changeOf(snapshotOf(bench.edge), 1)]));
    const starts = [1, 2, 3].map(() => startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license }));
    const mirrors = await Promise.all(starts);
    for (const [index, mirror] of mirrors.entries()) {
      const answer = await push({ mirror, edge: bench.edge }, batchOf(bench.edge, index + 2, []));
      t.is(answer.status, 200);
    }
    for (const mirror of mirrors) await mirror[Symbol.asyncDispose]();
    t.is((await storedOrders(bench)).length, 1);
  });

  test.serial('the set-based apply decides as the pure inbox does, on random batches', async (t) => {
    await using bench = await open();
    const { edge } = bench;
    const orderIds = [0, 1, 2, 3].map(() => snapshotOf(edge).orderId);
    const change = fc.record({
      order: fc.nat(3),
      version: fc.integer({ min: 1, max: 6 }),
      stamp: fc.nat(8),
      text: fc.nat(1),
    });
    const batches = fc.array(fc.array(change, { maxLength: 12 }), { minLength: 1, maxLength: 6 });
    let pushSeq = 0;
    let seq = 0;
    await fc.assert(
      fc.asyncProperty(batches, async (plan) => {
        await bench.mirror.db('orders').delete();
        const model = new Map<string, InboxRow>();
        for (const drafts of plan) {
          const changes = drafts.map(({ order, version, stamp, text }) => {
            seq += 1;
            const orderId = orderIds[order] as string;
            const base = { orderId, version, number: `N${text}`, updatedAt: stampAt(1000 + stamp, edge.record.nodeId) };
            // Equal drafts have to be equal in content, so that duplicates and conflicts both come about.
            const customer = { customerId: edge.record.nodeId, firstName: 'Ana' };
            return changeOf(snapshotOf(edge, { ...base, customer, items: [] }), seq);
          });
          pushSeq += 1;
          bench.mirror.clock.offsetMs += 1000;
          const answer = await push(bench, batchOf(edge, pushSeq, changes), {
            nowMs: Date.now() + bench.mirror.clock.offsetMs,
          });
          const { decisions, written } = decideBatch(changes, ({ entityId }) => model.get(entityId) ?? null);
          for (const each of written.values()) model.set(each.entityId, each);
          const wanted = changes.map((each) => [each.seq, decisions.get(each.seq)?.outcome]);
          const got = ackOf(answer).results.map((each) => [each.seq, each.outcome]);
          if (JSON.stringify(got) !== JSON.stringify(wanted)) return false;
        }
        const rows = (await storedOrders(bench)).map(({ order_id, version, hash }) => `${order_id} ${version} ${hash}`);
        const expected = [...model].map(([id, row]) => `${id} ${row.version} ${row.hash}`).sort();
        return JSON.stringify(rows) === JSON.stringify(expected);
      }),
      { numRuns: 120 },
    );
    t.true(pushSeq > 120);
  });
}
