import assert from 'node:assert/strict';
import { newId } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import { type Hlc, hlcNodeOf, hlcParse } from '@sgp/shared/clock';
import type { FieldEdit, Movement, SharedKind, Transfer } from '@sgp/shared/sync-payloads';
import { sharedOf } from '@sgp/sync-engine/merge';
import test from 'ava';
import fc from 'fast-check';
import { everythingFor } from '../src/shared/everything.ts';
import { listEntities } from '../src/shared/merge-edits.ts';
import { type AppendedRow, createOnAppended, type SharedStream } from '../src/shared/on-appended.ts';
import { listTransfers, nextTransfer, writeTransfers } from '../src/shared/transfer-rows.ts';
import { openBench } from './support/mirror.ts';

/** One act of one shop. */
type Act = { readonly shop: number; readonly stream: SharedStream; readonly row: AppendedRow };

const shops = 3;
const items = ['a', 'b'].map(() => newId());
const nodes = Array.from({ length: shops }, () => newId());
/** Long ago, so that no clock is judged. */
const stampOf = (minute: number, shop: number): Hlc =>
  `${String(1_763_768_193_000 + minute * 60_000).padStart(14, '0')}-0000-${hlcNodeOf(nodes[shop] ?? '')}` as Hlc;

const values = {
  leadDays: fc.constantFrom(1, 2, 3),
  place: fc.constantFrom('A1', 'B2'),
  priceCents: fc.constantFrom(100, 200),
};
test('version and stamp of what goes down grow together, also after a replica or a life whose clock was ahead', (t) => {
  const transfer = { transferId: newId() } as Transfer;
  const [early, late] = [stampOf(1, 0), stampOf(2, 1)];
  const nowMs = 1_763_768_193_000;
  const first = nextTransfer(transfer, undefined, { nowMs, stamp: late });
  t.is(first.updatedAt, late);
  const second = nextTransfer(transfer, first, { nowMs: nowMs + 1_000, stamp: early });
  t.is(second.version, first.version + 1);
  t.true(second.updatedAt > late);
  t.is(hlcParse(second.updatedAt).node, hlcParse(early).node);
});

/** Edits whose `saw` is null or the stamp of an earlier edit of the same field by anybody. */
const edits: fc.Arbitrary<readonly Act[]> = fc
  .array(
    fc.record({
      shop: fc.nat(shops - 1),
      item: fc.nat(items.length - 1),
      kind: fc.constantFrom<SharedKind>('catalogue', 'block'),
      field: fc.constantFrom(...(Object.keys(values) as (keyof typeof values)[])),
      lead: values.leadDays,
      place: values.place,
      price: values.priceCents,
      blocked: fc.boolean(),
      back: fc.nat(3),
    }),
    { minLength: 2, maxLength: 14 },
  )
  .map((drawn) => {
    const written = new Map<string, Hlc[]>();
    return drawn.map(({ shop, item, kind, field, back, ...of }, minute) => {
      const entityId = items[item] ?? '';
      const at = stampOf(minute, shop);
      const seen = (name: string): Hlc | null => {
        const key = `${kind}/${entityId}/${name}`;
        const before = written.get(key) ?? [];
        written.set(key, [...before, at]);
        return back === 0 ? null : (before.at(-back) ?? null);
      };
      const value = { leadDays: of.lead, place: of.place, priceCents: of.price }[field];
      const saw = seen(kind === 'block' ? 'blocked' : field);
      const fields: FieldEdit['fields'] =
        kind === 'block'
          ? { blocked: { value: of.blocked, saw }, reason: { value: of.blocked ? of.place : null, saw } }
          : { [field]: { value, saw } };
      const edit: FieldEdit = { editId: newId(), kind, entityId, at, who: `shop ${shop}`, fields };
      return { shop, stream: kind === 'block' ? 'blocks' : 'edits', row: { payload: edit } } as const;
    });
  });

test.serial(
  'edits and movements end in the same documents in whatever order and however often they arrive',
  async (t) => {
    t.timeout(120_000);
    await using bench = await openBench();
    const { db, down, coreClock: clock } = bench.mirror;
    const log = createLog('vps-mirror-test', 'silent');
    const now = Date.now;
    const onAppended = createOnAppended({ down, everything: everythingFor, clock, log, now });
    const establishments = Array.from({ length: shops }, () => newId());
    const transfer: Transfer = {
      ...{
        transferId: newId(),
        fromEstablishmentId: establishments[0] ?? '',
        toEstablishmentId: establishments[1] ?? '',
      },
      ...{ materialId: newId(), materialName: 'Linha', unit: 'un', quantityMilli: 3, state: 'requested' },
      ...{ requestedAt: 1, sentAt: null, receivedAt: null },
    };
    const movement = (shop: number, kind: Movement['kind'], quantityMilli: number, state: Movement['state']): Act => {
      const { transferId, materialId } = transfer;
      const settledAt = state === 'pending' ? null : 7 + shop;
      const of = { movementId: newId(), materialId, transferId, kind, state, quantityMilli, settledAt };
      return { shop, stream: 'stock', row: { payload: { ...of, who: 'Ana', reason: '', at: 5 } } };
    };
    const movements = [
      movement(0, 'transfer-out', -3, 'pending'),
      movement(0, 'transfer-out', -3, 'posted'),
      movement(1, 'transfer-in', 3, 'posted'),
      movement(2, 'transfer-in', 3, 'posted'),
      movement(1, 'transfer-in', 4, 'posted'),
    ];

    const outcomeOf = async (acts: readonly Act[]) => {
      const companyId = newId();
      await down.inCompany(companyId, async (tx, nowMs) => {
        const stored = nextTransfer(transfer, undefined, { nowMs, stamp: clock.stamp([]) });
        await writeTransfers(tx, companyId, [stored]);
        return { entries: [], result: stored };
      });
      // Neighbours of one shop and stream travel in one batch.
      for (let i = 0; i < acts.length; ) {
        const { shop, stream } = acts[i] as Act;
        let end = i;
        while (end < acts.length && acts[end]?.shop === shop && acts[end]?.stream === stream) end += 1;
        const node = { companyId, establishmentId: establishments[shop] ?? '', nodeId: nodes[shop] ?? '' };
        await db.transaction((tx) =>
          onAppended(
            tx,
            stream,
            acts.slice(i, end).map(({ row }) => row),
            node,
          ),
        );
        i = end;
      }
      const documents = [];
      for (const kind of ['catalogue', 'block'] as const)
        for (const { entity } of await listEntities(db, companyId, kind, { limit: 100 }))
          documents.push(sharedOf(entity));
      return {
        documents,
        transfers: (await listTransfers(db, companyId, { limit: 10 })).map((each) => each.transfer),
      };
    };

    const orders = edits.chain((acts) => {
      const all = [...acts, ...movements];
      const positions = all.map((_, i) => i);
      return fc.record({
        acts: fc.constant(all),
        order: fc.shuffledSubarray(positions, { minLength: positions.length }),
        again: fc.array(fc.nat(all.length - 1), { maxLength: 5 }),
      });
    });
    await fc.assert(
      fc.asyncProperty(orders, async ({ acts, order, again }) => {
        const one = await outcomeOf(acts);
        const other = await outcomeOf([...order, ...again].map((i) => acts[i] as Act));
        assert.deepEqual(other, one);
        assert.equal(one.transfers[0]?.state, 'received');
      }),
      { numRuns: 25 },
    );
    t.pass();
  },
);
