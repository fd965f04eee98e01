import { newId } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import type { StreamName } from '@sgp/shared/sync';
import { type DigestAnswer, digestBucketsPerGroup, digestGroups, type ReceiptClaims } from '@sgp/shared/sync-digest';
import type { DigestQuestion } from '@sgp/sync-engine/compare-state';
import { encodeSum } from '@sgp/sync-engine/digest';
import test from 'ava';
import { createCompareStore } from '../src/bridge/compare-store.ts';
import { createComparer } from '../src/bridge/comparer.ts';
import { deliver } from '../src/bridge/outbox-delivery.ts';
import { openProductionDb } from '../src/db.ts';
import { createWriter } from './support/sync-world.ts';

const node = { nodeId: newId(), companyId: newId(), establishmentId: newId() };
const nothing = encodeSum(0n);

/** A shop with two orders that were acknowledged, and a Core that answers as the test says. */
async function openWorld(stack: AsyncDisposableStack, answer: (question: DigestQuestion) => DigestAnswer) {
  const db = stack.adopt(await openProductionDb('sqlite::memory:'), (open) => open.destroy());
  const writer = createWriter(db, node);
  for (let n = 0; n < 2; n++) await writer.write();
  const done = (await db('outbox')).map(({ seq, id, stream, entity_id: entityId, version }) => ({
    change: { seq, id, stream, entityId, version },
    outcome: 'applied' as const,
  }));
  const times = { at: 50, sentAt: 40, appliedAt: 45, ackedSeq: 2, bytes: 1, clockSkewMs: null };
  await db.transaction((tx) => deliver(tx, { ...times, done, parked: [] }));
  let claims: ReceiptClaims | null = null;
  const comparer = createComparer({
    store: createCompareStore(db, () => 100),
    ask: async (question) => ({ type: 'answered', value: answer(question) }),
    async verifyReceipt() {
      if (claims === null) throw new Error('not signed by the Core');
      return claims;
    },
    metrics: { round: () => undefined, compared: () => undefined },
    now: () => 100,
    log: createLog('test', 'silent'),
  });
  const signed = (rows: number) => {
    const orders = { stream: 'orders' as StreamName, rows, root: nothing, newest: null };
    claims = { iss: 'core', aud: 'node', iat: 1, establishmentId: node.establishmentId, streams: [orders] };
  };
  const run = async () => {
    await comparer.run();
    return db('sync_comparisons').select('at', 'missing');
  };
  return { db, signed, run };
}

const equal = (): DigestAnswer => ({ level: 'roots', differ: [], receipt: 'a.b.c' });

test('a comparison that finds records missing at the Core writes down how many, and sends them again', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, run } = await openWorld(stack, (question) => {
    const sums = (count: number) => Array.from({ length: count }, () => nothing);
    switch (question.level) {
      case 'roots':
        return { level: 'roots', differ: ['orders'] };
      case 'groups':
        return { level: 'groups', sums: sums(digestGroups) };
      case 'buckets':
        return {
          level: 'buckets',
          groups: question.groups.map((group) => ({ group, sums: sums(digestBucketsPerGroup) })),
        };
      case 'entities':
        return { level: 'entities', buckets: question.buckets.map((bucket) => ({ bucket, digests: [] })) };
      case 'unknown':
        return { level: 'unknown', entities: [] };
    }
  });
  t.deepEqual(await run(), [{ at: 100, missing: 2 }]);
  t.is((await db('outbox')).length, 2);
});

test('nothing is missing only where the Core’s signed word counts what the shop counts', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { run, signed } = await openWorld(stack, equal);
  t.deepEqual(await run(), [], 'a word that nobody signed says nothing');
  signed(1);
  t.deepEqual(await run(), [{ at: 100, missing: 1 }], 'a record that the Core does not count is missing');
  signed(2);
  t.deepEqual(await run(), [{ at: 100, missing: 0 }]);
});
