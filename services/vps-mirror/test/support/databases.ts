import { randomBytes } from 'node:crypto';
import { openDatabase } from '@sgp/service-kit/database';

/** Makes an empty database and gives its URL; the mirror opens it as often as a test wants. */
export type FreshDatabase = AsyncDisposable & { readonly url: string };
export type DatabaseMaker = (dir: string) => Promise<FreshDatabase>;

export const freshSqlite: DatabaseMaker = async (dir) => ({
  url: `sqlite:${dir}/mirror-${randomBytes(4).toString('hex')}.db`,
  // The file goes with the test's folder.
  [Symbol.asyncDispose]: async () => {},
});

/** A database of its own on the server of TEST_POSTGRES_URL. */
export const freshPostgres: DatabaseMaker = async () => {
  const serverUrl = process.env['TEST_POSTGRES_URL'];
  if (!serverUrl) throw new Error('TEST_POSTGRES_URL names the PostgreSQL server of these tests');
  const name = `mirror_${randomBytes(6).toString('hex')}`;
  const server = openDatabase(serverUrl, { durability: 'full' });
  await server.raw(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      await server.raw(`drop database ${name} with (force)`);
      await server.destroy();
    },
  };
};
