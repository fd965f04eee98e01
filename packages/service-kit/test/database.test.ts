import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, type Migration, migrate, openDatabase } from '@sgp/service-kit/database';
import test, { type ExecutionContext } from 'ava';

const migrations: Migration[] = [
  {
    name: '0001-counter',
    up: (db) =>
      db.schema.createTable('counter', (table) => {
        table.integer('id').primary();
        table.bigInteger('value').notNullable();
      }),
  },
  {
    name: '0002-first',
    up: async (db) => {
      await db('counter').insert({ id: 1, value: 0 });
    },
  },
];

function openTwo(t: ExecutionContext): readonly [Database, Database] {
  const dir = mkdtempSync(join(tmpdir(), 'sgp-db-'));
  const url = `sqlite:${join(dir, 'a.db')}`;
  const both = [openDatabase(url, { durability: 'full' }), openDatabase(url, { durability: 'full' })] as const;
  t.teardown(async () => {
    for (const db of both) await db.destroy();
    rmSync(dir, { recursive: true });
  });
  return both;
}

test('a migration runs once, also when two processes start together', async (t) => {
  const [one, other] = openTwo(t);
  await Promise.all([migrate(one, migrations), migrate(other, migrations)]);
  t.is(((await one('counter').count({ n: '*' })) as { n: number }[])[0]?.n, 1);
});

test('read-then-write transactions of two connections wait for each other and lose nothing', async (t) => {
  const [one, other] = openTwo(t);
  await migrate(one, migrations);
  const add = (db: Database): Promise<void> =>
    db.transaction(async (tx) => {
      const row = (await tx('counter').where({ id: 1 }).first()) as { value: number };
      await tx('counter')
        .where({ id: 1 })
        .update({ value: row.value + 1 });
    });
  for (let turn = 0; turn < 20; turn += 1) await Promise.all([add(one), add(other), add(one), add(other)]);
  t.is(((await one('counter').first()) as { value: number }).value, 80);
});

test('SQLite keeps what was committed: WAL with full synchronisation', async (t) => {
  const [one] = openTwo(t);
  t.deepEqual(await one.raw('pragma journal_mode'), [{ journal_mode: 'wal' }]);
  t.deepEqual(await one.raw('pragma synchronous'), [{ synchronous: 2 }]);
});
