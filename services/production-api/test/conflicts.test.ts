import { newId } from '@sgp/service-kit/ids';
import type { CatalogueItem } from '@sgp/shared/api/catalogue';
import { type ConflictEntry, conflictsSchema } from '@sgp/shared/api/conflicts';
import type { Conflict, FieldEdit } from '@sgp/shared/sync-payloads';
import test from 'ava';
import { openDownInbox } from '../src/inbox/open-down-inbox.ts';
import { openBrowser } from './support/browser.ts';
import { coreStamp, createDownLog, material } from './support/down-world.ts';
import { openShopApp, signedIn } from './support/shop-app.ts';
import { saidOn } from './support/streams.ts';

const at = coreStamp(1_760_000_000_000);

async function openWorld(stack: AsyncDisposableStack) {
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const inbox = openDownInbox(app.db, app.identity);
  const log = createDownLog();
  const itemId = newId();
  log.shared(material(itemId, { name: 'Lona', active: true, leadDays: 9 }, at));
  await inbox.apply(log.step(0));
  const down = async (more: Partial<Conflict> = {}): Promise<Conflict> => {
    const conflict: Conflict = {
      conflictId: newId(),
      kind: 'field',
      entity: 'catalogue',
      entityId: itemId,
      field: 'leadDays',
      winner: { text: '9', at, who: 'Matriz' },
      loser: { text: '4', at: coreStamp(1_759_999_999_000), who: 'Ana' },
      at: log.changes.length,
      resolvedAt: null,
      resolution: null,
      ...more,
    };
    log.conflict(conflict);
    await inbox.apply(log.step(log.changes.length - 1));
    return conflict;
  };
  const list = async (query = '') => conflictsSchema.parse(await browser.ok('GET', `/api/conflicts${query}`));
  const decide = (conflictId: string, verb: string) =>
    browser.ok<ConflictEntry>('POST', `/api/conflicts/${conflictId}/${verb}`);
  return { app, browser, itemId, down, list, decide };
}

test('a conflict that came down is listed with both versions: what, who and when', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { down, list } = await openWorld(stack);
  const { conflictId, entityId } = await down();
  t.deepEqual(await list(), {
    conflicts: [
      {
        conflictId,
        kind: 'field',
        entity: 'catalogue',
        entityId,
        name: 'Lona',
        field: 'leadDays',
        winner: { text: '9', at: 1_760_000_000_000, who: 'Matriz' },
        loser: { text: '4', at: 1_759_999_999_000, who: 'Ana' },
        at: 1,
        resolvedAt: null,
        resolution: null,
        resolvedBy: null,
        origin: 'core',
        canRestore: true,
      },
    ],
    open: 1,
    nextBefore: null,
  });
});

test('restore writes the loser anew as an act that saw the winner, and leaves a trail', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, browser, down, decide } = await openWorld(stack);
  const { conflictId } = await down();
  t.like(await decide(conflictId, 'restore'), { resolution: 'restored', resolvedBy: 'Ana', canRestore: false });
  const [edit] = await saidOn<FieldEdit>(app.db, 'edits');
  t.deepEqual(edit?.payload.fields, { leadDays: { value: 4, saw: at } });
  const { items } = await browser.ok<{ items: CatalogueItem[] }>('GET', '/api/catalogue');
  t.is(items[0]?.leadDays, 4);
  t.deepEqual(await app.db('audit').where({ entity: 'conflict' }).pluck('action'), ['restored']);
  await decide(conflictId, 'restore');
  t.is((await saidOn(app.db, 'edits')).length, 1, 'the same decision again writes nothing');
  const other = await browser.refused('POST', `/api/conflicts/${conflictId}/keep`);
  t.is(other.code, 'CONFLICT_RESOLVED');
});

test('keep changes nothing but the ledger, and a later word of the cloud does not open it again', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, down, list, decide } = await openWorld(stack);
  const conflict = await down();
  t.like(await decide(conflict.conflictId, 'keep'), { resolution: 'kept' });
  const told = await saidOn<{ action: string }>(app.db, 'audit');
  t.like(
    told.map(({ payload }) => payload).find(({ action }) => action === 'kept'),
    { who: 'Ana', entity: 'conflict', entityId: conflict.conflictId } as never,
    'the Core closes its entry by this',
  );
  await down(conflict);
  t.is((await list()).open, 0);
  t.is((await list('?state=resolved')).conflicts.length, 1);
  t.deepEqual(await saidOn(app.db, 'edits'), []);
});

test('what the cloud decided is decided here too', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { down, list } = await openWorld(stack);
  const conflict = await down();
  await down({ ...conflict, resolvedAt: 5, resolution: 'kept' });
  t.is((await list()).open, 0);
});

test('what has no value to be written, or is the cloud’s to write, cannot be restored and stays open to be kept', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { browser, down, list, decide } = await openWorld(stack);
  const none = [
    await down({ field: 'name', loser: { text: '"Lona 2"', at: null, who: 'Ana' } }),
    await down({ kind: 'clock-skew', field: null, loser: { text: '{}', at: null, who: 'Ana' } }),
    await down({ kind: 'order-restored', entity: 'order', entityId: newId(), field: null }),
    await down({ kind: 'order-unknown', entity: 'order', entityId: newId(), field: null }),
  ];
  t.true((await list()).conflicts.every(({ canRestore }) => !canRestore));
  for (const { conflictId } of none) {
    const refused = await browser.refused('POST', `/api/conflicts/${conflictId}/restore`);
    t.is(refused.code, 'CONFLICT_NOT_RESTORABLE');
    await decide(conflictId, 'keep');
  }
  t.is((await list()).open, 0);
  t.is((await browser.refused('POST', `/api/conflicts/${newId()}/keep`)).code, 'NOT_FOUND');
});

test('a block that lost is restored with its reason', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, browser, down, decide, itemId } = await openWorld(stack);
  const block = { subject: 'material', blocked: true, reason: 'mofo' };
  await browser.ok('PUT', `/api/blocks/${itemId}`, block);
  const text = JSON.stringify({ blocked: false, reason: 'seco' });
  const { conflictId } = await down({ entity: 'block', field: 'blocked', loser: { text, at: null, who: 'Ana' } });
  await decide(conflictId, 'restore');
  const [first, second] = await saidOn<FieldEdit>(app.db, 'blocks');
  t.deepEqual(second?.payload.fields, {
    blocked: { value: false, saw: first?.payload.at as never },
    reason: { value: 'seco', saw: first?.payload.at as never },
  });
  t.deepEqual((await browser.ok<{ blocks: object[] }>('GET', '/api/blocks')).blocks, []);
});

test('pages of the ledger follow each other without a gap, and only managers decide', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { app, browser, down, list } = await openWorld(stack);
  for (let n = 0; n < 5; n++) await down();
  const seen: string[] = [];
  for (let before: string | null = ''; before !== null; ) {
    const page = await list(`?limit=2${before === '' ? '' : `&before=${before}`}`);
    seen.push(...page.conflicts.map(({ conflictId }) => conflictId));
    t.is(page.open, 5);
    before = page.nextBefore;
  }
  t.is(new Set(seen).size, 5);
  const desk = { name: 'Olga', login: 'olga', password: 'senha de operadora', role: 'desk' };
  await browser.ok('POST', '/api/users', desk);
  const other = openBrowser(app.url);
  await other.ok('POST', '/api/session', { login: 'olga', password: desk.password });
  t.is((await other.refused('POST', `/api/conflicts/${seen[0]}/keep`)).code, 'SCOPE_MISSING');
});
