import { setTimeout as wait } from 'node:timers/promises';
import { newId } from '@sgp/service-kit/ids';
import type { UserPayload } from '@sgp/shared/sync-payloads';
import type { TestFn } from 'ava';
import { type StoredUser, usersOf, writeUser } from '../../src/company/user-rows.ts';
import type { DatabaseMaker } from './databases.ts';
import { askChanges, askOf, claimsOf, createDownReader } from './down-reader.ts';
import { createEdge } from './edge.ts';
import { type Bench, call, type Mirror, openBench } from './mirror.ts';

export const newUser = (overrides: Partial<UserPayload> = {}): UserPayload => {
  const userId = newId();
  return { userId, login: `u${userId.slice(-12)}`, name: 'Ana', role: 'desk', disabled: false, ...overrides };
};

/** Writes a person of the company at the Core, as its API does. */
export const say = (mirror: Mirror, companyId: string, user: UserPayload): Promise<StoredUser> =>
  mirror.down.inCompany(companyId, (tx, nowMs) =>
    writeUser(tx, companyId, user, { nowMs, stamp: mirror.coreClock.stamp([]) }),
  );

/** Opens a bench whose key is listed. */
export async function openListed(makeDatabase: DatabaseMaker): Promise<Bench> {
  const bench = await openBench(makeDatabase);
  await bench.mirror.listed();
  return bench;
}

const tables = ['downlink_heads', 'downlink', 'downlink_cursors', 'company_users'] as const;

/** What a backup of the Core's database holds, and its restoration. */
export async function backupCore({ db }: Mirror): Promise<() => Promise<void>> {
  const kept: (readonly [string, readonly object[]])[] = [];
  for (const table of tables) kept.push([table, await db(table)]);
  return async () => {
    await db.transaction(async (tx) => {
      for (const [table, rows] of kept) {
        await tx(table).delete();
        for (const row of rows) await tx(table).insert(row);
      }
    });
  };
}

/** What the mirror promises about its downlink, the same on every database. */
export function downlinkSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  test.serial('numbers are gapless for each establishment, and a transaction that fails uses none', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { companyId } = edge.record;
    const sister = bench.enrol(createEdge({ companyId }));
    const [here, there] = [createDownReader(mirror, edge), createDownReader(mirror, sister)];
    await here.drain();
    await Promise.all(Array.from({ length: 20 }, () => say(mirror, companyId, newUser())));
    await t.throwsAsync(
      mirror.down.inCompany(companyId, async (tx, nowMs) => {
        await writeUser(tx, companyId, newUser(), { nowMs, stamp: mirror.coreClock.stamp([]) });
        throw new Error('rolled back');
      }),
      { message: 'rolled back' },
    );
    await say(mirror, companyId, newUser());
    const changes = await here.drain();
    t.deepEqual(
      changes.map(({ seq }) => seq),
      Array.from({ length: 21 }, (_, i) => i + 1),
    );
    t.is((await there.drain()).length, 21, 'an establishment that is new hears of everything');
    const stranger = createDownReader(mirror, bench.enrol(createEdge()));
    t.deepEqual(await stranger.drain(), [], 'another company hears of nothing');
  });

  test.serial('an answer is signed for the node that asked, and for no other', async (t) => {
    await using bench = await openListed(makeDatabase);
    const answer = await askChanges(bench.mirror, bench.edge);
    const claims = await claimsOf(bench.mirror, bench.edge, answer);
    t.is(claims.aud, `node_${bench.edge.record.nodeId}`);
    const sister = createEdge({ companyId: bench.edge.record.companyId });
    await t.throwsAsync(claimsOf(bench.mirror, sister, answer), { code: 'SIG_INVALID' });
    t.like(await call(bench, '/internal/sync/changes', askOf(bench.edge)), { code: 'SIG_POLICY' });
    const foreign = askOf(bench.edge, { establishmentId: newId() });
    t.like(await call(bench, '/internal/sync/changes', foreign, { tag: 'changes/1' }), { code: 'TENANT_MISMATCH' });
  });

  test.serial('a call waits while there is nothing, and is answered with the commit', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const reader = createDownReader(mirror, edge);
    await reader.drain();
    const started = performance.now();
    t.is((await reader.ask({ waitMs: 300 })).changes.length, 0);
    t.true(performance.now() - started >= 295);
    const held = reader.ask({ waitMs: 20_000 });
    await wait(50);
    const user = newUser();
    await say(mirror, edge.record.companyId, user);
    const { changes } = await held;
    t.deepEqual(
      changes.map(({ payload }) => payload),
      [user],
    );
    t.true(performance.now() - started < 10_000);
  });

  test.serial('of three calls of one node that are held open the oldest ends, empty', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { coreEpoch } = await createDownReader(mirror, edge).ask();
    const open: Promise<number>[] = [];
    for (let n = 0; n < 3; n += 1) {
      const answer = askChanges(mirror, edge, { coreEpoch, waitMs: 20_000 });
      open.push(answer.then(() => n));
      await wait(50);
    }
    t.is(await Promise.race(open), 0);
    await say(mirror, edge.record.companyId, newUser());
    t.deepEqual(await Promise.all(open), [0, 1, 2]);
  });

  test.serial('an answer that was lost comes again', async (t) => {
    await using bench = await openListed(makeDatabase);
    const reader = createDownReader(bench.mirror, bench.edge);
    await say(bench.mirror, bench.edge.record.companyId, newUser());
    const lost = await reader.ask({ lost: true });
    const again = await reader.ask();
    t.is(lost.changes.length, 1);
    t.deepEqual(again.changes, lost.changes);
  });

  test.serial(
    'a Core that was restored goes on from the last number that is common, also when it wrote past it since',
    async (t) => {
      await using bench = await openListed(makeDatabase);
      const { mirror, edge } = bench;
      const { companyId } = edge.record;
      const reader = createDownReader(mirror, edge);
      for (let n = 0; n < 3; n += 1) await say(mirror, companyId, newUser());
      await reader.drain();
      const restore = await backupCore(mirror);
      for (let n = 0; n < 2; n += 1) await say(mirror, companyId, newUser());
      await reader.drain();
      const { coreEpoch } = reader.position;
      await restore();
      const fresh = Array.from({ length: 4 }, () => newUser());
      for (const user of fresh) await say(mirror, companyId, user);
      const first = await reader.ask({ lost: true });
      t.not(first.coreEpoch, coreEpoch);
      t.is(first.after, 3);
      const again = await reader.ask();
      t.is(again.after, 3, 'a lost answer changes nothing');
      t.deepEqual(
        again.changes.map(({ payload }) => payload),
        fresh,
      );
      t.deepEqual(await reader.drain(), []);
    },
  );

  test.serial('what all nodes have is deleted; a new node hears each entity once, in its newest version', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { companyId, establishmentId } = edge.record;
    const reader = createDownReader(mirror, edge);
    await reader.drain();
    const user = newUser();
    for (const name of ['Ana', 'Bia', 'Cora']) await say(mirror, companyId, { ...user, name });
    await say(mirror, companyId, newUser());
    await mirror.downlink.purge(Date.now());
    t.is((await mirror.db('downlink')).length, 4, 'nobody has fetched it');
    await reader.drain();
    await mirror.downlink.purge(Date.now());
    t.is((await mirror.db('downlink')).length, 0);

    const second = createDownReader(mirror, bench.enrol(createEdge({ companyId, establishmentId })));
    const heard = await second.drain();
    t.is(heard.length, 2);
    t.is(heard.find(({ entityId }) => entityId === user.userId)?.payload['name'], 'Cora');
    const before = new Map(reader.rows);
    await reader.drain();
    t.deepEqual(
      new Map([...reader.rows].map(([key, row]) => [key, row.hash])),
      new Map([...before].map(([key, row]) => [key, row.hash])),
      'to the first node it is nothing new',
    );
    await say(mirror, companyId, { ...user, name: 'Dora' });
    t.deepEqual([(await reader.drain()).length, (await second.drain()).length], [1, 1]);
  });

  test.serial('a node that stays away holds nothing back for ever', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { companyId } = edge.record;
    const away = createDownReader(mirror, edge);
    await away.drain();
    await say(mirror, companyId, newUser());
    await mirror.downlink.purge(Date.now() + 44 * 24 * 60 * 60_000);
    t.is((await mirror.db('downlink')).length, 1);
    await mirror.downlink.purge(Date.now() + 46 * 24 * 60 * 60_000);
    t.is((await mirror.db('downlink')).length, 0);
    t.is((await away.drain()).length, 1, 'back, it hears everything as it is now');
  });

  test.serial('an edge that was restored from a backup hears what it lacks', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { companyId } = edge.record;
    const reader = createDownReader(mirror, edge);
    await say(mirror, companyId, newUser());
    await reader.drain();
    const restore = reader.backup();
    for (let n = 0; n < 3; n += 1) await say(mirror, companyId, newUser());
    await reader.drain();
    await mirror.downlink.purge(Date.now());
    restore();
    await reader.drain();
    t.is(reader.rows.size, 4);
  });

  test.serial('what an edge parked is stored with its reason until a newer version is applied', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { companyId } = edge.record;
    const reader = createDownReader(mirror, edge);
    const user = newUser();
    await say(mirror, companyId, user);
    const [change] = (await reader.ask()).changes;
    const { seq = 0, id = '' } = change ?? {};
    const reason = { code: 'ALREADY_EXISTS', detail: 'somebody else has the login' } as const;
    const invented = { seq: 99, id: newId(), ...reason };
    await reader.ask({ parked: [{ seq, id, ...reason }, { seq, id: newId(), ...reason }, invented] });
    const parked = () => mirror.db('downlink_parked').select('entity_id', 'code', 'detail');
    t.deepEqual(await parked(), [{ entity_id: user.userId, ...reason }]);
    await say(mirror, companyId, { ...user, login: `v${user.login.slice(1)}` });
    await reader.drain();
    t.deepEqual(await parked(), []);
    t.is((await usersOf(mirror.db, companyId)).length, 1);
  });

  test.serial('what an edge parked and applied later by trying again is parked no more', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const reader = createDownReader(mirror, edge);
    await say(mirror, edge.record.companyId, newUser());
    const [change] = (await reader.ask()).changes;
    const { seq = 0, id = '', entityId = '', version = 0 } = change ?? {};
    const { coreEpoch, cursor } = reader.position;
    const told = { coreEpoch, cursor, parked: [{ seq, id, code: 'ALREADY_EXISTS', detail: 'why' } as const] };
    await askChanges(mirror, edge, told);
    const parked = () => mirror.db('downlink_parked').pluck('entity_id');
    const applied = (of: number) =>
      askChanges(mirror, edge, { coreEpoch, cursor, applied: [{ stream: 'users', entityId, version: of }] });
    await applied(version - 1);
    t.deepEqual(await parked(), [entityId], 'an older version says nothing of this one');
    t.is((await applied(version)).status, 200);
    t.deepEqual(await parked(), []);
  });
}
