import { newId } from '@sgp/service-kit/ids';
import type { ConflictEntry } from '@sgp/shared/api/conflicts';
import type { MovementAnswer } from '@sgp/shared/api/stock';
import type { TestFn } from 'ava';
import { openProductionDb } from '../../src/db.ts';
import { openDownInbox } from '../../src/inbox/open-down-inbox.ts';
import { coreStamp, createDownLog, downState, material, transfer, user } from './down-world.ts';
import type { FreshDatabase } from './fresh-databases.ts';
import { addOrder, openShopApp, signedIn } from './shop-app.ts';
import { saidOn } from './streams.ts';

export const node = { nodeId: newId(), establishmentId: newId() };

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A history with every stream, of which some changes do not fit. */
export function history(random: () => number) {
  const log = createDownLog();
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const materials = [newId(), newId(), newId()];
  const people = [user(), user({ login: 'caio' }), user()];
  const transfers = [
    transfer({ fromEstablishmentId: node.establishmentId, materialId: materials[0] as string }),
    transfer({ toEstablishmentId: node.establishmentId, materialId: materials[1] as string }),
    transfer({}),
  ];
  for (let n = 0; n < 40; n++) {
    const at = coreStamp(1_760_000_000_000 + n);
    const kind = Math.floor(random() * 5);
    if (kind === 0) log.user({ ...pick(people), role: pick(['desk', 'operator']), disabled: random() < 0.3 });
    if (kind === 1) log.shared(material(pick(materials), { name: `Lona ${n}`, priceCents: n, active: true }, at));
    if (kind === 2)
      log.shared({
        kind: 'block',
        entityId: pick(materials),
        fields: {
          subject: { value: 'material', at },
          blocked: { value: random() < 0.5, at },
          reason: { value: `${n}`, at },
        },
      });
    if (kind === 3) {
      const state = pick(['requested', 'sent', 'cancelled'] as const);
      log.transfer({ ...pick(transfers), state, sentAt: state === 'sent' ? 5 : null });
    }
    if (kind === 4)
      log.conflict({
        conflictId: newId(),
        kind: 'field',
        entity: 'catalogue',
        entityId: pick(materials),
        field: 'leadDays',
        winner: { text: '1', at, who: 'Ana' },
        loser: { text: '2', at: null, who: 'Bia' },
        at: n,
        resolvedAt: null,
        resolution: null,
      });
    if (random() < 0.1) log.add('users', newId(), { nonsense: n });
  }
  return log;
}

/** What the downlink and the streams do on every engine. */
export function inboxContract(test: TestFn, engine: string, fresh: FreshDatabase, seeds: number): void {
  const openInbox = async (stack: AsyncDisposableStack) => {
    const db = stack.adopt(await openProductionDb(await fresh(stack)), (open) => open.destroy());
    return { db, inbox: openDownInbox(db, node) };
  };

  test(`${engine}: answers that come doubled, late, cut and out of order end in the same state`, async (t) => {
    for (let seed = 1; seed <= seeds; seed++) {
      await using stack = new AsyncDisposableStack();
      const random = seeded(seed);
      const log = history(random);
      const straight = await openInbox(stack);
      await straight.inbox.apply(log.step(0));
      const shaken = await openInbox(stack);
      const sent = [log.step(0, Math.ceil(log.changes.length / 3))];
      for (;;) {
        const { cursor } = await shaken.inbox.cursor();
        if (cursor === log.changes.length) break;
        sent.push(log.step(cursor, Math.min(log.changes.length, cursor + 1 + Math.floor(random() * 6))));
        // Any of the answers so far, each of which may have been applied already.
        await shaken.inbox.apply(sent[Math.floor(random() * sent.length)] as (typeof sent)[number]);
      }
      for (const again of sent) await shaken.inbox.apply(again);
      t.deepEqual(await downState(shaken.db), await downState(straight.db), `seed ${seed}`);
    }
  });

  test(`${engine}: what is written in the shop is told, and what comes down meanwhile waits for no one`, async (t) => {
    await using stack = new AsyncDisposableStack();
    const app = await openShopApp(stack, { productionDb: await fresh(stack) });
    const browser = await signedIn(app);
    const { customer } = await addOrder(browser);
    await browser.ok('POST', '/api/machines', { name: 'Plotter', slug: 'p1' });
    const log = createDownLog();
    const inbox = openDownInbox(app.db, app.identity);
    const materialId = newId();
    log.shared(material(materialId, { name: 'Lona', active: true, leadDays: 1 }));
    await inbox.apply(log.step(0));
    for (let n = 0; n < 20; n++) {
      log.transfer(transfer({ materialId, fromEstablishmentId: app.identity.establishmentId }));
      log.user(user({ login: `pessoa${n}` }));
    }
    const use = { materialId, kind: 'consumption', quantityMilli: -1_000 };
    const work = [
      ...Array.from({ length: 10 }, (_, n) => inbox.apply(log.step(1 + 4 * n, 5 + 4 * n))),
      ...Array.from({ length: 10 }, () => browser.ok<MovementAnswer>('POST', '/api/stock/movements', use)),
      ...Array.from({ length: 10 }, (_, n) => browser.ok('PATCH', `/api/catalogue/${materialId}`, { leadDays: n + 2 })),
      ...Array.from({ length: 5 }, () => addOrder(browser)),
      browser.ok('PUT', `/api/blocks/${customer.customerId}`, { subject: 'customer', blocked: true, reason: 'x' }),
    ];
    await Promise.all(work);
    for (;;) {
      const { cursor } = await inbox.cursor();
      if (cursor === log.changes.length) break;
      await inbox.apply(log.step(cursor));
    }
    const stock = await app.db('stock').where({ material_id: materialId }).first();
    t.like(stock, { balance_milli: -10_000, reserved_milli: 100_000 });
    const { conflicts } = await browser.ok<{ conflicts: ConflictEntry[] }>('GET', '/api/conflicts');
    for (const { conflictId } of conflicts) await browser.ok('POST', `/api/conflicts/${conflictId}/restore`);
    t.is((await app.db('stock').where({ material_id: materialId }).first()).balance_milli, 0);
    t.is((await saidOn(app.db, 'edits')).length, 10);
    t.is((await saidOn(app.db, 'customers')).length, 6);
    t.is((await saidOn(app.db, 'machines')).length, 1);
    const seqs: number[] = await app.db('outbox').orderBy('seq').pluck('seq');
    t.deepEqual(
      seqs,
      seqs.map((_, i) => i + 1),
    );
  });
}
