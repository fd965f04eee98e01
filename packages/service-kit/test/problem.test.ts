import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Sqlite from 'better-sqlite3';
import { openDatabase } from '../src/database.ts';
import { toAppError } from '../src/problem.ts';

const codeOf = (error: unknown): string => toAppError(error).code;

test('a database that another process holds locked is UNAVAILABLE', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'sgp-problem-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const holder = new Sqlite(join(dir, 'a.db'));
  const other = new Sqlite(join(dir, 'a.db'), { timeout: 0 });
  holder.exec('create table a (b); begin immediate');
  const refusal = t.throws(() => other.exec('insert into a values (1)'));
  t.is(codeOf(refusal), 'UNAVAILABLE');
  holder.close();
  other.close();
});

/** A server that treats each connection of the driver in this way. */
async function queryAgainst(t: ExecutionContext, port: number): Promise<string> {
  const db = openDatabase(`postgres://sgp@127.0.0.1:${port}/sgp`, { durability: 'full' });
  t.teardown(() => db.destroy());
  const refusal = await db.raw('select 1').then(
    () => t.fail('no database is there'),
    (error: unknown) => error,
  );
  return codeOf(refusal);
}

test('a PostgreSQL that refuses the connection, or drops it, is UNAVAILABLE', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.is(await queryAgainst(t, port), 'UNAVAILABLE');
  server.close();
  await once(server, 'close');
  t.is(await queryAgainst(t, port), 'UNAVAILABLE');
});

test('what passes by itself is UNAVAILABLE, and a bug stays INTERNAL', (t) => {
  const coded = (code: string): Error => Object.assign(new Error('x'), { code });
  for (const code of ['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED', 'ECONNREFUSED', 'ECONNRESET'])
    t.is(codeOf(coded(code)), 'UNAVAILABLE', code);
  for (const code of ['57P01', '57P03', '08006', '08003', '40001', '40P01'])
    t.is(codeOf(coded(code)), 'UNAVAILABLE', code);
  for (const code of ['23505', '42P01', 'SQLITE_CONSTRAINT', '40002', 'ENOENT'])
    t.is(codeOf(coded(code)), 'INTERNAL', code);
  t.is(codeOf(new Error('a bug')), 'INTERNAL');
  t.is(codeOf(coded('SQLITE_FULL')), 'DISK_FULL');
});
