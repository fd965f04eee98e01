import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openDatabase } from '@sgp/service-kit/database';
import { tempDir } from './temp-dir.ts';

/** URL of an empty database that goes with the stack. */
export type FreshDatabase = (stack: AsyncDisposableStack) => Promise<string>;

export const freshSqlite: FreshDatabase = async (stack) => `sqlite:${join(await tempDir(stack), 'fresh.db')}`;

/** A database of its own on the server that TEST_POSTGRES_URL names. */
export const freshPostgres: FreshDatabase = async (stack) => {
  const serverUrl = process.env['TEST_POSTGRES_URL'];
  if (!serverUrl) throw new Error('TEST_POSTGRES_URL names the PostgreSQL server of these tests');
  const name = `production_${randomBytes(6).toString('hex')}`;
  const server = stack.adopt(openDatabase(serverUrl, { durability: 'full' }), (open) => open.destroy());
  await server.raw(`create database ${name}`);
  stack.defer(() => server.raw(`drop database ${name} with (force)`).then(() => undefined));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
};
