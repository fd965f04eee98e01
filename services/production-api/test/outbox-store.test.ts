import { openDatabase } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import test from 'ava';
import { deliver } from '../src/bridge/outbox-delivery.ts';
import { openProductionDb } from '../src/db.ts';
import { outboxContract } from './support/outbox-contract.ts';
import { tempDir } from './support/temp-dir.ts';

outboxContract(test, 'SQLite', async (stack) => {
  const db = openDatabase(`sqlite:${await tempDir(stack)}/production.db`, { durability: 'full' });
  return stack.adopt(db, () => db.destroy());
});

test('storing an acknowledgement looks for its entities by their keys, however many others are stored', async (t) => {
  await using stack = new AsyncDisposableStack();
  const db = await openProductionDb(`sqlite:${await tempDir(stack)}/production.db`);
  stack.defer(() => db.destroy());
  const statements: { readonly sql: string; readonly bindings: readonly unknown[] }[] = [];
  db.on('query', (query) => statements.push(query));
  const change = { seq: 1, id: newId(), stream: 'orders', entityId: newId(), version: 1 } as const;
  await db.transaction((tx) =>
    deliver(tx, {
      ...{ at: 1, sentAt: 1, appliedAt: 1, ackedSeq: 0, bytes: 1, clockSkewMs: 0 },
      ...{ done: [{ change, outcome: 'applied' }], parked: [] },
    }),
  );
  const onLists = statements.filter(({ sql }) => sql.includes('json_each'));
  t.is(onLists.length, 3);
  for (const { sql, bindings } of onLists) {
    const plan: readonly { readonly detail: string }[] = await db.raw(`explain query plan ${sql}`, bindings as never);
    const walked = plan
      .map(({ detail }) => detail)
      .filter((detail) => detail.startsWith('SCAN') && !detail.startsWith('SCAN json_each'));
    t.deepEqual(walked, [], sql);
    const byStreamAlone = plan.filter(({ detail }) => detail.endsWith('(stream=?)'));
    t.deepEqual(byStreamAlone, [], sql);
  }
});
