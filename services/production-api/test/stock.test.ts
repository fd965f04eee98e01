import { newId } from '@sgp/service-kit/ids';
import type { ConflictEntry } from '@sgp/shared/api/conflicts';
import type { MaterialStock, MovementAnswer } from '@sgp/shared/api/stock';
import type { Movement, Transfer } from '@sgp/shared/sync-payloads';
import test from 'ava';
import { openDownInbox } from '../src/inbox/open-down-inbox.ts';
import { type Browser, openBrowser } from './support/browser.ts';
import { createDownLog, material, transfer } from './support/down-world.ts';
import { openShopApp, signedIn } from './support/shop-app.ts';
import { saidOn } from './support/streams.ts';

async function openWorld(stack: AsyncDisposableStack) {
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const inbox = openDownInbox(app.db, app.identity);
  const log = createDownLog();
  const materialId = newId();
  log.shared(material(materialId, { name: 'Lona', unit: 'm', active: true, minimum: 2 }));
  await inbox.apply(log.step(0));
  const book = (kind: string, quantityMilli: number, more: object = {}) =>
    browser.ok<MovementAnswer>('POST', '/api/stock/movements', { materialId, kind, quantityMilli, ...more });
  const end = (movementId: string, verb: 'post' | 'void', by: Browser = browser) =>
    by.ok<MovementAnswer>('POST', `/api/stock/movements/${movementId}/${verb}`);
  const send = async (next: Transfer) => {
    log.transfer(next);
    return inbox.apply(log.step(log.changes.length - 1));
  };
  const stock = async () => (await browser.ok<{ materials: MaterialStock[] }>('GET', '/api/stock')).materials[0];
  const conflicts = async () =>
    (await browser.ok<{ conflicts: ConflictEntry[] }>('GET', '/api/conflicts?state=all')).conflicts;
  const said = async () => saidOn<Movement>(app.db, 'stock');
  return { app, browser, materialId, book, end, send, stock, conflicts, said };
}

test('the balance is the sum of what is posted; a reservation takes from what is free only, until it is posted or voided', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { book, end, stock, said } = await openWorld(stack);
  await book('receipt', 10_000);
  const { movement } = await book('consumption', -3_000, { state: 'pending' });
  t.like(await stock(), { balanceMilli: 10_000, reservedMilli: 3_000, freeMilli: 7_000, minimumMilli: 2_000 });
  await end(movement.movementId, 'post');
  t.like(await stock(), { balanceMilli: 7_000, reservedMilli: 0, freeMilli: 7_000 });
  const other = await book('consumption', -1_000, { state: 'pending' });
  await end(other.movement.movementId, 'void');
  t.like(await stock(), { balanceMilli: 7_000, reservedMilli: 0 });
  t.deepEqual(
    (await said()).map(({ version, payload }) => [payload.kind, payload.state, version]),
    [
      ['receipt', 'posted', 1],
      ['consumption', 'pending', 1],
      ['consumption', 'posted', 2],
      ['consumption', 'pending', 1],
      ['consumption', 'voided', 2],
    ],
  );
});

test('posted and voided are final, and the same end again answers the same', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { book, browser, end, said } = await openWorld(stack);
  await book('receipt', 1_000);
  const { movement } = await book('consumption', -500, { state: 'pending' });
  const posted = await end(movement.movementId, 'post');
  t.deepEqual(await end(movement.movementId, 'post'), posted);
  const refused = await browser.refused('POST', `/api/stock/movements/${movement.movementId}/void`);
  t.is(refused.code, 'MOVEMENT_SETTLED');
  t.is((await said()).length, 3);
});

test('a movement that is sent again after a lost answer counts once, and another under its id is refused', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { book, browser, materialId, stock } = await openWorld(stack);
  const movementId = newId();
  const answers = await Promise.all([1, 2, 3].map(() => book('receipt', 4_000, { movementId })));
  t.deepEqual(new Set(answers.map(({ movement }) => movement.at)).size, 1);
  t.like(await stock(), { balanceMilli: 4_000 });
  const other = { materialId, kind: 'receipt', quantityMilli: 5_000, movementId };
  t.is((await browser.refused('POST', '/api/stock/movements', other)).code, 'ALREADY_EXISTS');
});

test('a movement of nothing, against its kind or of unknown material is refused; adjustments are for managers', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, browser, materialId, said } = await openWorld(stack);
  const refused = async (more: object, by = browser) =>
    (await by.refused('POST', '/api/stock/movements', { materialId, kind: 'receipt', quantityMilli: 1, ...more })).code;
  t.is(await refused({ quantityMilli: 0 }), 'BODY_INVALID');
  t.is(await refused({ quantityMilli: -1 }), 'BODY_INVALID');
  t.is(await refused({ kind: 'consumption' }), 'BODY_INVALID');
  t.is(await refused({ kind: 'compensation' }), 'BODY_INVALID');
  t.is(await refused({ materialId: newId() }), 'NOT_FOUND');
  t.is(await refused({ orderId: newId() }), 'NOT_FOUND');
  const operator = { name: 'Olga', login: 'olga', password: 'senha de operadora', role: 'operator' };
  await browser.ok('POST', '/api/users', operator);
  const floor = openBrowser(app.url);
  await floor.ok('POST', '/api/session', { login: 'olga', password: operator.password });
  t.is(await refused({ kind: 'adjustment' }, floor), 'SCOPE_MISSING');
  t.deepEqual(await said(), []);
  await browser.ok('PUT', `/api/blocks/${materialId}`, { subject: 'material', blocked: true, reason: 'mofo' });
  t.is(await refused({ kind: 'consumption', quantityMilli: -1 }), 'BLOCKED');
});

test('using more than there is proposes what is missing, once, and lists it; restore posts the proposal', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, book, browser, conflicts, stock } = await openWorld(stack);
  await book('receipt', 1_000);
  await book('consumption', -4_000);
  await book('consumption', -500);
  t.like(await stock(), { balanceMilli: -3_500 });
  const found = await conflicts();
  t.deepEqual(
    found.map(({ kind, name, canRestore, origin }) => [kind, name, canRestore, origin]),
    [
      ['stock-negative', 'Lona', true, 'edge'],
      ['stock-negative', 'Lona', true, 'edge'],
    ],
  );
  const proposals = await app.db('movements').where({ kind: 'compensation' }).pluck('quantity_milli');
  t.deepEqual(proposals.sort(), [3_000, 500], 'what an earlier proposal answers is not proposed again');
  for (const { conflictId } of found) {
    const decided = await browser.ok<ConflictEntry>('POST', `/api/conflicts/${conflictId}/restore`);
    t.like(decided, { resolution: 'restored', canRestore: false });
  }
  t.like(await stock(), { balanceMilli: 0 });
});

test('keep voids the proposal and leaves the balance; a receipt that was booked late makes a proposal needless', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, book, browser, conflicts, stock } = await openWorld(stack);
  await book('consumption', -2_000);
  const [first] = await conflicts();
  await browser.ok('POST', `/api/conflicts/${first?.conflictId}/keep`);
  t.like(await stock(), { balanceMilli: -2_000 });
  t.deepEqual(await app.db('movements').where({ kind: 'compensation' }).pluck('state'), ['voided']);
  await book('consumption', -1_000);
  await book('receipt', 5_000);
  t.like(await stock(), { balanceMilli: 2_000 });
  t.deepEqual(await app.db('movements').where({ kind: 'compensation', state: 'pending' }), []);
  t.true((await conflicts()).every(({ resolution }) => resolution === 'kept'));
});

test('a transfer reserves at the sender, follows the posted movement, and is given free when cancelled', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, book, browser, end, materialId, send, stock, said } = await openWorld(stack);
  await book('receipt', 10_000);
  const out = transfer({ fromEstablishmentId: app.identity.establishmentId, materialId });
  await send(out);
  await send(out);
  t.like(await stock(), { balanceMilli: 10_000, freeMilli: 5_000 }, 'a second delivery makes no second movement');
  const listed = async () => (await browser.ok<{ transfers: object[] }>('GET', '/api/stock/transfers')).transfers[0];
  const { movementId } = (await listed()) as { movementId: string };
  t.like(await listed(), { direction: 'out', movementState: 'pending', state: 'requested' });
  await end(movementId, 'post');
  t.like(await stock(), { balanceMilli: 5_000, freeMilli: 5_000 });
  t.like(await listed(), { movementState: 'posted', state: 'sent' });
  await send(out);
  t.like(await listed(), { state: 'sent' }, 'the cloud did not know yet that it went');
  t.like((await said()).at(-1)?.payload, { kind: 'transfer-out', state: 'posted', transferId: out.transferId });
  const gone = transfer({ fromEstablishmentId: app.identity.establishmentId, materialId });
  await send(gone);
  await send({ ...gone, state: 'cancelled' });
  t.like(await stock(), { balanceMilli: 5_000, freeMilli: 5_000 });
});

test('the receiver expects what was sent, and has it once it is posted', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, end, materialId, send, stock } = await openWorld(stack);
  const coming = transfer({ toEstablishmentId: app.identity.establishmentId, materialId });
  await send(coming);
  t.is((await app.db('movements')).length, 0, 'nothing is on the way yet');
  await send({ ...coming, state: 'sent', sentAt: 5 });
  const [{ movement_id }] = await app.db('movements');
  t.like(await stock(), { balanceMilli: 0, freeMilli: 0 });
  await end(movement_id, 'post');
  t.like(await stock(), { balanceMilli: 5_000 });
  t.like(JSON.parse((await app.db('transfers').first()).doc), { state: 'received' });
});

test('sums are conserved: after any bookings the stored sums are those of the movements, and of what was told', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, book, browser, said } = await openWorld(stack);
  let state = 11;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const pending: string[] = [];
  const steps = Array.from({ length: 60 }, () => [random(4), 1 + random(3_000), random(2)] as const);
  for (const [kind, quantity, isPending] of steps) {
    const more = { state: isPending ? 'pending' : 'posted' };
    if (kind === 0) await book('receipt', quantity, more);
    else if (kind === 1) pending.push((await book('consumption', -quantity, { state: 'pending' })).movement.movementId);
    else if (kind === 2) await book('consumption', -quantity, more);
    else {
      const id = pending.pop();
      if (id) await browser.send('POST', `/api/stock/movements/${id}/${isPending ? 'post' : 'void'}`);
    }
  }
  const sum = (movements: readonly Movement[]): object => ({
    balance: movements.filter((each) => each.state === 'posted').reduce((all, each) => all + each.quantityMilli, 0),
    reserved: movements
      .filter((each) => each.state === 'pending' && each.quantityMilli < 0)
      .reduce((all, each) => all - each.quantityMilli, 0),
  });
  const stored = await app.db('stock').first();
  const figures = { balance: stored.balance_milli, reserved: stored.reserved_milli };
  t.deepEqual(figures, sum((await app.db('movements').select('doc')).map(({ doc }) => JSON.parse(doc))));
  const newest = new Map((await said()).map(({ entityId, payload }) => [entityId, payload]));
  t.deepEqual(figures, sum([...newest.values()]));
});
