import { type Movement, movementKinds, movementStates, type Transfer } from '@sgp/shared/sync-payloads';
import {
  cancelTransfer,
  freeOf,
  type MovementOutcome,
  type MovementState,
  movementFault,
  noStock,
  proposeCompensation,
  shortageOf,
  stockAfter,
  stockOf,
  takeMovement,
  transferAfterMovement,
  transferDuty,
} from '@sgp/sync-engine/stock';
import test from 'ava';
import fc from 'fast-check';
import { entity } from './support.ts';

const [material, from, to, transferId] = [entity(900), entity(901), entity(902), entity(903)];
const movement = (n: number, members: Partial<Movement> = {}): Movement => ({
  movementId: entity(n),
  materialId: material,
  kind: 'adjustment',
  state: 'pending',
  quantityMilli: 1000,
  who: 'Ana',
  reason: '',
  at: n,
  settledAt: members.state === undefined || members.state === 'pending' ? null : 50,
  ...members,
});
const inState = (each: Movement, state: MovementState): Movement => ({
  ...each,
  state,
  settledAt: state === 'pending' ? null : 50,
});

/** What becomes of a movement (rows) when one of its states arrives (columns). */
const table: { readonly [S in MovementState]: { readonly [N in MovementState]: MovementOutcome } } = {
  pending: { pending: 'same', posted: 'applied', voided: 'applied' },
  posted: { pending: 'late', posted: 'same', voided: 'refused' },
  voided: { pending: 'late', posted: 'refused', voided: 'same' },
};
for (const before of movementStates)
  test(`I17: a ${before} movement takes each state as the table says, and final states stay`, (t) => {
    const standing = movement(1, { state: before });
    for (const state of movementStates) {
      const taken = takeMovement(standing, inState(standing, state));
      t.is(taken.outcome, table[before][state], state);
      t.is(taken.movement.state, taken.outcome === 'applied' ? state : before);
    }
  });

test('another quantity, material, kind or transfer under the id of a movement is refused', (t) => {
  const standing = movement(1);
  for (const other of [
    { quantityMilli: 2000 },
    { materialId: entity(7) },
    { kind: 'receipt' },
    { transferId },
    { movementId: entity(2) },
  ] satisfies Partial<Movement>[]) {
    const taken = takeMovement(standing, { ...standing, ...other, state: 'posted', settledAt: 1 });
    t.is(taken.outcome, 'refused');
    t.is(taken.movement, standing);
  }
});

/** Movements with their own sequences of states, and a schedule that mixes and repeats them. */
const schedules = fc
  .array(
    fc.record({
      quantityMilli: fc.integer({ min: -5000, max: 5000 }).filter((n) => n !== 0),
      end: fc.constantFrom<MovementState>('pending', 'posted', 'voided'),
    }),
    { maxLength: 12 },
  )
  .chain((plans) => {
    const movements = plans.map(({ quantityMilli, end }, n) => movement(n + 1, { quantityMilli, ...endOf(end) }));
    const states = movements.flatMap((each) => [inState(each, 'pending'), each]);
    return fc.tuple(
      fc.constant(movements),
      fc
        .tuple(fc.shuffledSubarray(states, { minLength: states.length }), fc.shuffledSubarray(states))
        .chain(([once, again]) => fc.shuffledSubarray([...once, ...again], { minLength: once.length + again.length })),
    );
  });
const endOf = (state: MovementState) => ({ state, settledAt: state === 'pending' ? null : 50 });

test('I17: any interleaving and repetition of movements gives the same sums, and none counts twice', (t) => {
  fc.assert(
    fc.property(schedules, ([movements, schedule]) => {
      const standing = new Map<string, Movement>();
      let stock = noStock;
      for (const next of schedule) {
        const before = standing.get(next.movementId) ?? null;
        const { movement: after } = takeMovement(before, next);
        standing.set(next.movementId, after);
        stock = stockAfter(stock, before, after);
        t.deepEqual(stock, stockOf(standing.values()));
      }
      const sum = (each: readonly Movement[]) => each.reduce((total, { quantityMilli }) => total + quantityMilli, 0);
      const balanceMilli = sum(movements.filter(({ state }) => state === 'posted'));
      const reservedMilli = 0 - sum(movements.filter((each) => each.state === 'pending' && each.quantityMilli < 0));
      t.deepEqual(stock, { balanceMilli, reservedMilli });
      t.is(freeOf(stock), balanceMilli - reservedMilli);
    }),
    { numRuns: 500 },
  );
});

test('I17: a posted compensation brings a negative balance back to nothing, and is proposed once', (t) => {
  let shortages = 0;
  fc.assert(
    fc.property(schedules, ([movements]) => {
      const [cause] = movements;
      const proposal = cause === undefined ? null : proposeCompensation(movements, cause);
      const shortage = shortageOf(stockOf(movements));
      t.is(proposal === null, shortage === 0);
      if (proposal === null || cause === undefined) return;
      shortages += 1;
      const pending = movement(100, { ...proposal });
      t.is(movementFault(pending), null);
      t.is(pending.compensates, cause.movementId);
      t.is(proposeCompensation([...movements, pending], cause), null);
      t.is(shortageOf(stockOf([...movements, pending])), shortage, 'a proposal alone changes no balance');
      t.is(stockOf([...movements, inState(pending, 'posted')]).balanceMilli, 0);
    }),
  );
  t.true(shortages > 5);
});

test('a proposal covers what an earlier one, still pending, leaves open', (t) => {
  const out = movement(1, { kind: 'consumption', quantityMilli: -5000, ...endOf('posted') });
  const first = movement(2, { kind: 'compensation', quantityMilli: 2000, compensates: out.movementId });
  t.is(proposeCompensation([out, first], out)?.quantityMilli, 3000);
  t.is(proposeCompensation([out, inState(first, 'voided')], out)?.quantityMilli, 5000);
});

test('a movement has the direction of its kind, a transfer if it is of one, and a time when it was settled', (t) => {
  const signs = { receipt: [1], consumption: [-1], adjustment: [1, -1], compensation: [1, -1] } as const;
  const transfers = { 'transfer-in': [1], 'transfer-out': [-1] } as const;
  const allowed: { readonly [K in Movement['kind']]: readonly number[] } = { ...signs, ...transfers };
  for (const kind of movementKinds)
    for (const sign of [-1, 0, 1]) {
      const each = movement(1, { kind, quantityMilli: sign * 10, ...(kind in transfers && { transferId }) });
      t.is(movementFault(each) === null, allowed[kind].includes(sign), `${kind} ${sign}`);
    }
  t.not(movementFault(movement(1, { transferId })), null);
  t.not(movementFault(movement(1, { kind: 'transfer-in' })), null);
  t.not(movementFault(movement(1, { state: 'posted', settledAt: null })), null);
  t.not(movementFault(movement(1, { settledAt: 4 })), null);
});

const transfer: Transfer = {
  transferId,
  fromEstablishmentId: from,
  toEstablishmentId: to,
  materialId: material,
  materialName: 'MDF 15 mm',
  unit: 'm2',
  quantityMilli: 3000,
  state: 'requested',
  requestedAt: 1,
  sentAt: null,
  receivedAt: null,
};
const out = movement(1, { kind: 'transfer-out', quantityMilli: -3000, transferId });
const into = movement(2, { kind: 'transfer-in', quantityMilli: 3000, transferId });
const posted = (each: Movement) => inState(each, 'posted');

test('I18: a transfer is sent when the sender posts, received when the receiver posts', (t) => {
  t.is(transferAfterMovement(transfer, out, from).outcome, 'unchanged');
  t.is(transferAfterMovement(transfer, inState(out, 'voided'), from).outcome, 'unchanged');
  const sent = transferAfterMovement(transfer, posted(out), from);
  t.like(sent, { outcome: 'changed', transfer: { state: 'sent', sentAt: 50, receivedAt: null } });
  const received = transferAfterMovement(sent.transfer, posted(into), to);
  t.like(received, { outcome: 'changed', transfer: { state: 'received', sentAt: 50, receivedAt: 50 } });
});

test('a movement of another establishment, material, quantity or transfer does nothing to a transfer', (t) => {
  const wrong: readonly (readonly [Movement, string])[] = [
    [posted(out), to],
    [posted(into), from],
    [posted({ ...out, quantityMilli: -2000 }), from],
    [posted({ ...out, materialId: entity(1) }), from],
    [posted({ ...out, transferId: entity(1) }), from],
    [posted({ ...out, kind: 'consumption' }), from],
  ];
  for (const [each, who] of wrong)
    t.deepEqual(transferAfterMovement(transfer, each, who), { transfer, outcome: 'refused' });
});

test('I18: a transfer is cancelled only while nothing moved, and what has left wins over a cancellation', (t) => {
  const cancelled = cancelTransfer(transfer).transfer;
  t.is(cancelled.state, 'cancelled');
  t.is(cancelTransfer(cancelled).outcome, 'unchanged');
  const sent = transferAfterMovement(transfer, posted(out), from).transfer;
  t.is(cancelTransfer(sent).outcome, 'refused');
  t.is(transferAfterMovement(cancelled, posted(out), from).transfer.state, 'sent');
});

test('I18: whatever the order and repetition of movements and cancellation, the transfer ends the same', (t) => {
  const steps = {
    cancel: (each: Transfer) => cancelTransfer(each).transfer,
    reserve: (each: Transfer) => transferAfterMovement(each, out, from).transfer,
    send: (each: Transfer) => transferAfterMovement(each, posted(out), from).transfer,
    receive: (each: Transfer) => transferAfterMovement(each, posted(into), to).transfer,
  };
  type StepName = keyof typeof steps;
  const names = Object.keys(steps) as StepName[];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...names), { maxLength: 10 }), (schedule) => {
      const end = schedule.reduce((each, name) => steps[name](each), transfer);
      const did = (name: StepName) => schedule.includes(name);
      const state = did('receive') ? 'received' : did('send') ? 'sent' : did('cancel') ? 'cancelled' : 'requested';
      t.is(end.state, state);
      t.is(end.sentAt, did('send') ? 50 : null);
    }),
    { numRuns: 300 },
  );
});

test('the sender reserves what is requested and frees it when cancelled; the receiver expects what was sent', (t) => {
  const cancelled = cancelTransfer(transfer).transfer;
  const sent = transferAfterMovement(transfer, posted(out), from).transfer;
  t.is(transferDuty(transfer, from, null), 'reserve');
  t.is(transferDuty(transfer, from, out), 'none');
  t.is(transferDuty(cancelled, from, out), 'free');
  t.is(transferDuty(cancelled, from, inState(out, 'voided')), 'none');
  t.is(transferDuty(cancelled, from, null), 'none');
  t.is(transferDuty(sent, from, posted(out)), 'none');
  t.is(transferDuty(transfer, to, null), 'none');
  t.is(transferDuty(sent, to, null), 'expect');
  t.is(transferDuty(sent, to, into), 'none');
  t.is(transferDuty(sent, entity(5), null), 'none');
});

test('I18: what leaves one establishment arrives in the other, once', (t) => {
  const inFrom = stockOf([movement(3, { kind: 'receipt', quantityMilli: 3000, ...endOf('posted') }), posted(out)]);
  const inTo = stockOf([posted(into)]);
  t.is(inFrom.balanceMilli + inTo.balanceMilli, 3000);
  t.is(inFrom.balanceMilli, 0);
});
