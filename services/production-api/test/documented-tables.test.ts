import { readFile } from 'node:fs/promises';
import test from 'ava';
import { openProductionDb } from '../src/db.ts';

/** Tables that are the shop's own business and no part of the sync. */
const ownTables =
  /^(users|sessions|sign_in_failures|setup|shop|stages|customers|orders?|order_\w+|media|deleted_media|machines|machine_credentials|production_counts|audit|counters|sgp_migrations|sqlite_sequence)$/;

test('the documentation of the sync names every table that the migrations make for it, and no other', async (t) => {
  const db = await openProductionDb('sqlite::memory:');
  const rows: readonly { readonly name: string }[] = await db('sqlite_master').where({ type: 'table' }).select('name');
  await db.destroy();
  const made = rows.map(({ name }) => name).filter((name) => !ownTables.test(name));
  const text = await readFile(new URL('../../../docs/sync-protocol.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('### 2.1 Edge'), text.indexOf('### 2.2 Core'));
  const named = section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name as string));
  t.deepEqual(named.sort(), made.sort());
});
