import { type Database, openDatabase, together } from '@sgp/service-kit/database';
import test, { type ExecutionContext } from 'ava';

/** A database of its own on the server of the tests. */
async function openFresh(t: ExecutionContext): Promise<readonly [Database, Database]> {
  const serverUrl = process.env['TEST_POSTGRES_URL'];
  if (!serverUrl) throw new Error('TEST_POSTGRES_URL is not set: npm test sets it.');
  const name = `kit_${process.pid}_${Date.now()}_${Math.trunc(Math.random() * 1e6)}`;
  const server = openDatabase(serverUrl, { durability: 'full' });
  await server.raw('create database ??', [name]);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const both = [
    openDatabase(url.href, { durability: 'full' }),
    openDatabase(url.href, { durability: 'full' }),
  ] as const;
  t.teardown(async () => {
    for (const db of both) await db.destroy();
    await server.raw('drop database ?? with (force)', [name]);
    await server.destroy();
  });
  return both;
}

test('of statements that are begun together the reason of the failure is told, and nothing stands', async (t) => {
  const [db] = await openFresh(t);
  await db.raw('create table things (id int primary key)');
  await t.throwsAsync(
    db.transaction((tx) =>
      together([tx('things').insert({ id: 1 }), tx('things').insert({ id: 1 }), tx('things').insert({ id: 2 })]),
    ),
    { code: '23505' },
  );
  t.deepEqual(await db('things'), []);
  await db('things').insert({ id: 3 });
  t.deepEqual(await db('things'), [{ id: 3 }]);
});

test('a table that another process changes costs one failed call, not a restart', async (t) => {
  const [db, newer] = await openFresh(t);
  await db.raw('create table things (id int)');
  await db('things').insert({ id: 1 });
  for (let turn = 0; turn < 7; turn += 1) await db('things').where({ id: 1 }).first();
  await newer.raw("alter table things add column name text default 'novo'");
  await t.throwsAsync(async () => db('things').where({ id: 1 }).first(), { code: '0A000' });
  t.deepEqual(await db('things').where({ id: 1 }).first(), { id: 1, name: 'novo' });
});
