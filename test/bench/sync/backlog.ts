import { readFileSync } from 'node:fs';
import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { canonicalJson } from '@sgp/shared/canonical-json';
import { bucketOf, entityDigest } from '@sgp/sync-engine/digest';
import { startPostgres } from '../../../infra/test/postgres.ts';
import { createHlcStore } from '../../../services/production-api/src/outbox/hlc-store.ts';
import { countOf, createFaultWorld, type FaultWorld, until } from '../../faults/support/fault-world.ts';
import { spread } from '../figures.ts';

/**
 * What waiting costs: `node test/bench/sync/backlog.ts [changes …]`. The bridge runs beside a queue of so many changes, then
 * the line opens and the first of them travel. Small entities, so that the queue is what is measured.
 */
const sizes = [10_000, 100_000, 1_000_000] as const;
/** Pushed after the line is open, whatever waits behind. */
const measured = 10_000;
const perTransaction = 10_000;

export type BacklogFigures = {
  readonly waiting: number;
  /** Resident memory of the bridge: while everything waits, and at most while it travels. */
  readonly waitingMiB: number;
  readonly peakMiB: number;
  /** Milliseconds per change, over the first 10,000 that travelled. */
  readonly msPerChange: number;
};

/** Memory of a process now, in MiB. */
const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

export async function measureBacklog(waiting: number): Promise<BacklogFigures> {
  await using stack = new AsyncDisposableStack();
  const postgres = await startPostgres([]);
  stack.defer(postgres.stop);
  const world = await createFaultWorld(stack, { postgresUrl: postgres.url });
  world.line.set('cut');
  await writeCustomers(world, waiting);
  const { child } = await world.bridge.start();
  const pid = child.pid ?? 0;
  const told = await world.status('the outage is told', ({ state }) => state === 'offline');
  if (told.pendingChanges !== waiting) throw new Error(`${told.pendingChanges} changes wait`);
  const waitingMiB = residentMiB(pid);
  const resident: number[] = [];
  const goal = waiting - Math.min(measured, waiting / 2);
  world.line.set('open');
  const half = waiting - Math.min(measured, waiting / 2) / 2;
  await until('changes leave the queue', async () => (await openChanges(world.db)) <= half, 120_000);
  const [began, at] = [performance.now(), await openChanges(world.db)];
  const left = await until(
    'the measured changes travelled',
    async () => {
      resident.push(residentMiB(pid));
      const open = await openChanges(world.db);
      return open <= goal && { open };
    },
    120_000,
  );
  const msPerChange = (performance.now() - began) / (at - left.open);
  return { waiting, waitingMiB, peakMiB: Math.max(...resident), msPerChange };
}

/** As the queue counts itself: counting a million rows would take part in what is measured. */
const openChanges = async (db: Database): Promise<number> =>
  (await db('outbox_head').where({ id: 1 }).first('open_lane2')).open_lane2;

/** Rows as `append` writes them, by plain statements: the validation of a million documents is not what is measured. */
async function writeCustomers({ db, node }: FaultWorld, count: number): Promise<void> {
  const hlc = createHlcStore(node.nodeId);
  const createdAt = Date.now();
  for (let first = 0; first < count; first += perTransaction)
    await db.transaction(async (tx) => {
      const updatedAt = await hlc.tick(tx);
      const connection = await (tx.client as { acquireConnection(): Promise<Statements> }).acquireConnection();
      const entity = connection.prepare(
        `insert into sync_entities (stream, entity_id, version, updated_at, hash, digest, bucket, doc)
         values ('customers', ?, 1, ?, ?, ?, ?, ?)`,
      );
      const change = connection.prepare(
        `insert into outbox (seq, id, stream, lane, entity_id, version, parent_version, updated_at, op, payload, hash, created_at)
         values (?, ?, 'customers', 2, ?, 1, 0, ?, 'upsert', ?, ?, ?)`,
      );
      const last = Math.min(first + perTransaction, count);
      for (let seq = first + 1; seq <= last; seq += 1) {
        const entityId = newId();
        const doc = canonicalJson({ customerId: entityId, name: `Cliente ${seq}`, firstName: 'Cliente', createdAt });
        const hash = sha256Hex(doc);
        const digest = entityDigest(sha256Hex, { entityId, version: 1, hash });
        entity.run(entityId, updatedAt, hash, digest, bucketOf(sha256Hex, entityId), doc);
        change.run(seq, newId(), entityId, updatedAt, doc, hash, createdAt);
      }
      await tx('outbox_head').where({ id: 1 }).update({ last_seq: last, open_lane2: last });
    });
  if ((await countOf(db, 'outbox')) !== count) throw new Error('the backlog was not written');
}
type Statements = { prepare(sql: string): { run(...values: readonly (string | number)[]): unknown } };

export async function benchBacklog(rounds: number, of: readonly number[] = sizes): Promise<readonly string[]> {
  const lines: string[] = [];
  const figures: BacklogFigures[] = [];
  for (const size of of) {
    const runs: BacklogFigures[] = [];
    for (let round = 0; round < rounds; round += 1) runs.push(await measureBacklog(size));
    figures.push(...runs);
    const row = (pick: (run: BacklogFigures) => number, unit: string, digits: number) =>
      spread(runs.map(pick), unit, digits);
    lines.push(
      `${size} changes wait: bridge ${row((run) => run.waitingMiB, 'MiB', 0)}, at most ${row((run) => run.peakMiB, 'MiB', 0)} while they travel; ${row((run) => run.msPerChange * 1000, 'µs per change', 0)}`,
    );
  }
  const memory = figures.map(({ waitingMiB }) => waitingMiB);
  lines.push(
    `memory while waiting, all sizes: ${Math.min(...memory).toFixed(0)}-${Math.max(...memory).toFixed(0)} MiB`,
  );
  return [...lines, JSON.stringify({ bench: 'sync-backlog', figures })];
}

if (import.meta.main) {
  const named = process.argv.slice(2).map(Number);
  for (const line of await benchBacklog(1, named.length > 0 ? named : sizes)) console.log(line);
}
