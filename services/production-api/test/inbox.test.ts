import { newId } from '@sgp/service-kit/ids';
import type { Session, User } from '@sgp/shared/api/people';
import { hlcAfter } from '@sgp/shared/clock';
import type { FieldEdit } from '@sgp/shared/sync-payloads';
import { mergeEdit } from '@sgp/sync-engine/merge';
import test from 'ava';
import { createSharedStore } from '../src/catalogue/shared-store.ts';
import { openProductionDb } from '../src/db.ts';
import { openDownInbox } from '../src/inbox/open-down-inbox.ts';
import { openBrowser } from './support/browser.ts';
import { coreEpoch, coreStamp, createDownLog, downState, material, transfer, user } from './support/down-world.ts';
import { freshSqlite } from './support/fresh-databases.ts';
import { history, inboxContract, node, seeded } from './support/inbox-contract.ts';
import { openShopApp, owner, signedIn } from './support/shop-app.ts';
import { saidOn } from './support/streams.ts';

async function openInbox(stack: AsyncDisposableStack) {
  const db = stack.adopt(await openProductionDb('sqlite::memory:'), (open) => open.destroy());
  return { db, inbox: openDownInbox(db, node) };
}

inboxContract(test, 'SQLite', freshSqlite, 25);

test('a restored Core that sends all of it anew changes nothing, and what it writes later is taken', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, inbox } = await openInbox(stack);
  const log = history(seeded(7));
  await inbox.apply(log.step(0));
  const before = (await downState(db)) as { cursor: unknown };
  const epoch = newId();
  const { position } = await inbox.apply(
    ((step) => ({ ...step, from: { ...step.from, cursor: log.changes.length, coreEpoch } }))(
      log.step(0, undefined, epoch),
    ),
  );
  t.like(position, { coreEpoch: epoch, cursor: log.changes.length });
  t.deepEqual({ ...((await downState(db)) as object), cursor: null }, { ...before, cursor: null } as never);
  const itemId = newId();
  log.shared(material(itemId, { name: 'Tinta', active: true }));
  await inbox.apply(log.step(log.changes.length - 1, undefined, epoch));
  t.truthy(await db('shared_entities').where({ entity_id: itemId }).first());
});

test('what does not fit is parked with its reason, told until the Core knows, and taken out by a later version that fits', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, inbox } = await openInbox(stack);
  const log = createDownLog();
  const itemId = newId();
  log.shared(material(itemId, { name: 7 }));
  log.shared(material(newId(), { name: 'Lona', active: true }));
  log.add('catalogue', newId(), material(newId(), { name: 'outra' }));
  log.add('users', newId(), user(), { hash: '0'.repeat(64) });
  log.transfer(transfer({}));
  const { parked } = await inbox.apply(log.step(0));
  t.deepEqual(
    parked.map(({ seq, code }) => [seq, code]),
    [
      [1, 'BODY_INVALID'],
      [3, 'BODY_INVALID'],
      [4, 'DIGEST_MISMATCH'],
      [5, 'TENANT_MISMATCH'],
    ],
  );
  t.is((await db('shared_entities')).length, 1, 'the rest flows past it');
  t.deepEqual(await inbox.untold(), parked);
  await inbox.told(parked.slice(0, 2));
  t.deepEqual(await inbox.untold(), parked.slice(2));
  log.shared(material(itemId, { name: 'Lona', active: true }));
  t.deepEqual((await inbox.apply(log.step(5))).parked, []);
  t.deepEqual(await db('inbox_parked').where({ entity_id: itemId }), []);
  t.is((await inbox.cursor()).cursor, 6);
});

test('a failure in the middle leaves neither the changes before it nor the position', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { db, inbox } = await openInbox(stack);
  const log = createDownLog();
  log.shared(material(newId(), { name: 'Lona', active: true }));
  log.transfer(transfer({ fromEstablishmentId: node.establishmentId }));
  await db.raw("create trigger broken before insert on movements begin select raise(abort, 'the disk'); end");
  const before = await downState(db);
  await t.throwsAsync(inbox.apply(log.step(0)), { message: /the disk/ });
  t.deepEqual(await downState(db), before);
  await db.raw('drop trigger broken');
  await inbox.apply(log.step(0));
  t.is((await db('movements')).length, 1);
});

test('who is disabled in the cloud loses their sessions and keeps their password; a new role holds at once', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const person = { name: 'Bia', login: 'bia', password: 'senha bem comprida', role: 'manager' };
  const { userId } = await boss.ok<User>('POST', '/api/users', person);
  const bia = openBrowser(app.url);
  const signIn = { login: 'bia', password: person.password };
  await bia.ok('POST', '/api/session', signIn);
  const inbox = openDownInbox(app.db, app.identity);
  const log = createDownLog();
  const send = async (more: object) => {
    log.user(user({ userId, role: 'manager', ...more }));
    return inbox.apply(log.step(log.changes.length - 1));
  };
  await send({ role: 'operator' });
  t.is((await bia.ok<Session>('GET', '/api/session')).user.role, 'operator');
  t.is((await bia.refused('GET', '/api/users')).code, 'SCOPE_MISSING');
  await send({ disabled: true });
  t.is((await bia.refused('GET', '/api/session')).code, 'SESSION_EXPIRED');
  t.is((await bia.refused('POST', '/api/session', signIn)).code, 'CREDENTIALS_INVALID');
  await send({ disabled: false });
  t.is((await bia.refused('GET', '/api/session')).code, 'SESSION_EXPIRED', 'the old session stays ended');
  await bia.ok('POST', '/api/session', signIn);
  const actions = await app.db('audit').where({ entity: 'user', entity_id: userId, who: 'SGP' }).pluck('action');
  t.deepEqual(actions, ['edited', 'edited', 'edited']);
});

test('who was made in the cloud is listed without a password, cannot sign in, and can once a manager gave them one', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const inbox = openDownInbox(app.db, app.identity);
  const log = createDownLog();
  const caio = user({ login: 'caio', name: 'Caio' });
  log.user(caio);
  log.user(user({ login: owner.login }));
  const { parked } = await inbox.apply(log.step(0));
  t.deepEqual(
    parked.map(({ seq, code }) => [seq, code]),
    [[2, 'ALREADY_EXISTS']],
    'two people cannot have one login',
  );
  const listed = async () =>
    (await boss.ok<{ users: User[] }>('GET', '/api/users')).users.find(({ userId }) => userId === caio.userId);
  t.like(await listed(), { login: 'caio', role: 'desk', hasPassword: false });
  const faces = await boss.ok<{ people: { login: string }[] }>('GET', '/api/sign-in/people');
  t.deepEqual(
    faces.people.map(({ login }) => login),
    ['ana'],
  );
  const browser = openBrowser(app.url);
  const signIn = { login: 'caio', password: 'a primeira senha' };
  t.is((await browser.refused('POST', '/api/session', signIn)).code, 'CREDENTIALS_INVALID');
  t.is((await browser.refused('POST', '/api/session', { ...signIn, password: '' })).code, 'CREDENTIALS_INVALID');
  await boss.ok('PATCH', `/api/users/${caio.userId}`, { password: signIn.password });
  t.like(await listed(), { hasPassword: true });
  await browser.ok('POST', '/api/session', signIn);
});

test('the last owner who can sign in is not taken from the shop', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const { userId, login, name } = (await boss.ok<Session>('GET', '/api/session')).user;
  const inbox = openDownInbox(app.db, app.identity);
  const log = createDownLog();
  log.user(user({ login: 'dora', role: 'owner' }));
  log.user({ userId, login, name, role: 'owner', disabled: true });
  const { parked } = await inbox.apply(log.step(0));
  t.deepEqual(
    parked.map(({ seq, code }) => [seq, code]),
    [[2, 'SCOPE_MISSING']],
    'an owner without a password opens no door',
  );
  await boss.ok('GET', '/api/users');
});

test('a stamp written here is later than every stamp that came down, also where the clock of the shop is behind', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const itemId = newId();
  const ahead = coreStamp(Date.now() + 86_400_000);
  const log = createDownLog();
  log.shared(material(itemId, { name: 'Lona', active: true, leadDays: 2 }, ahead));
  await openDownInbox(app.db, app.identity).apply(log.step(0));
  await boss.ok('PATCH', `/api/catalogue/${itemId}`, { leadDays: 3 });
  const [edit] = await saidOn<{ at: string; fields: { leadDays: { saw: string } } }>(app.db, 'edits');
  t.is(edit?.payload.fields.leadDays.saw, ahead);
  t.true((edit?.payload.at ?? '') > ahead);
});

test('an edit that the cloud replaced stays replaced, though its acknowledgement was lost; the own clock judges no stamp', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const boss = await signedIn(app);
  const itemId = newId();
  const log = createDownLog();
  log.shared(material(itemId, { name: 'Lona', active: true, leadDays: 2 }));
  const inbox = openDownInbox(app.db, app.identity);
  await inbox.apply(log.step(0));
  const ahead = coreStamp(Date.now() + 86_400_000);
  log.shared(material(itemId, { leadDays: 5 }, ahead));
  await inbox.apply(log.step(1));
  await boss.ok('PATCH', `/api/catalogue/${itemId}`, { leadDays: 3 });
  const shown = async () => (await createSharedStore().find(app.db, 'catalogue', itemId))?.fields['leadDays'];
  const [edit] = await saidOn<FieldEdit>(app.db, 'edits');
  const own = edit?.payload as FieldEdit;
  t.deepEqual(await shown(), { value: 3, at: own.at, who: own.who, seen: [ahead] }, 'under the stamp that it gave');

  const merged = mergeEdit(null, own, 'edge', Number.POSITIVE_INFINITY).entity;
  const later = hlcAfter(own.at, own.at);
  const replacing: FieldEdit = { ...own, editId: newId(), at: later, fields: { leadDays: { value: 9, saw: own.at } } };
  log.shared(mergeEdit(merged, replacing, 'core', Number.POSITIVE_INFINITY).entity);
  await inbox.apply(log.step(2));
  t.like(await shown(), { value: 9, at: later }, 'the edit still waits in the outbox, and the cloud has it already');
});
