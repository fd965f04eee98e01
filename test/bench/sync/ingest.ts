import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@sgp/auth/digest';
import { type Database, isPostgres, openDatabase } from '@sgp/service-kit/database';
import { canonicalJson, type Json } from '@sgp/shared/canonical-json';
import { bucketOf, entityDigest } from '@sgp/sync-engine/digest';
import { startPostgres } from '../../../infra/test/postgres.ts';
import { openMirrorDatabase } from '../../../services/vps-mirror/src/db.ts';
import { checkChange } from '../../../services/vps-mirror/src/ingest/check-change.ts';
import { inflate, parseEnvelope } from '../../../services/vps-mirror/src/ingest/decode-batch.ts';
import { createPushStore, type Push } from '../../../services/vps-mirror/src/ingest/push-store.ts';
import {
  batchV2Of,
  changeOf,
  createEdge,
  type Edge,
  encodeGzip,
  type Instance,
  newInstance,
  snapshotOf,
  stampAt,
} from '../../../services/vps-mirror/test/support/edge.ts';
import { spread } from '../figures.ts';

/**
 * Orders into the mirror's database, in batches of 100: `node test/bench/sync/ingest.ts [rounds=3]`. Each figure stands
 * beside the same upsert written by hand: the driver alone, rows made ready before, one statement in one transaction.
 */
const batchSize = 100;
const orders = 10_000;
const versions = 3;

export type IngestFigures = {
  /** Checked changes → commit, with digests, checkpoint, evidence and answer. Snapshots a second. */
  readonly apply: readonly number[];
  /** The same, with reading the body (gzip) and checking each change before. */
  readonly whole: readonly number[];
  readonly byHand: readonly number[];
};

type Batch = { readonly body: Buffer; readonly push: Push };

/** Every version of every order, as an edge sends them. */
async function makeBatches(edge: Edge, instance: Instance, channels: number): Promise<readonly (readonly Batch[])[]> {
  const ids = Array.from({ length: orders }, () => snapshotOf(edge).orderId);
  const lanes: Batch[][] = Array.from({ length: channels }, () => []);
  let seq = 0;
  for (let version = 1; version <= versions; version += 1)
    for (let first = 0; first < orders; first += batchSize) {
      const changes = ids.slice(first, first + batchSize).map((orderId) => {
        const updatedAt = stampAt(1_763_768_193_000 + version, edge.record.nodeId);
        const snapshot = snapshotOf(edge, { orderId, version, updatedAt });
        seq += 1;
        return changeOf(JSON.parse(canonicalJson(snapshot as unknown as Json)), seq);
      });
      // An order stays on its channel, so that its versions come one after the other.
      const channel = (first / batchSize) % channels;
      const pushSeq = (lanes[channel]?.length ?? 0) + 1;
      const body = encodeGzip(batchV2Of(edge, instance, { channel, pushSeq }, changes));
      lanes[channel]?.push({ body, push: await pushOf(edge, body) });
    }
  return lanes;
}

async function pushOf(edge: Edge, body: Buffer): Promise<Push> {
  const envelope = parseEnvelope(await inflate(body, 'gzip'), 'orders');
  const channel = envelope.schemaVersion === 2 ? envelope.channel : 0;
  return {
    ...{ node: edge.record, stream: 'orders', envelope, body, arrivedAtMs: Date.now(), digest: sha256Hex(body) },
    by: 'line' as const,
    checked: envelope.changes.map((change) => checkChange('orders', change, edge.record)),
    idempotencyKey: `${envelope.epoch}-${channel}-${envelope.pushSeq}`,
    evidence: {
      keyId: 'k',
      covered: {},
      signature: 's'.repeat(90),
      signatureInput: 'i'.repeat(250),
      publicJwk: undefined,
    },
  };
}

async function ours(url: string, channels: number, whole: boolean): Promise<number> {
  const db = await openMirrorDatabase(url);
  try {
    const edge = createEdge();
    const instance = newInstance(edge);
    const lanes = await makeBatches(edge, instance, channels);
    const { epoch, generation, instanceId } = instance;
    await db('node_sync').insert({
      ...{ node_id: edge.record.nodeId, company_id: edge.record.companyId },
      ...{ establishment_id: edge.record.establishmentId, epoch, generation, instance_id: instanceId, last_seen_at: 0 },
    });
    const store = createPushStore({
      db,
      now: Date.now,
      announce: async () => {},
      onAppended: async () => {},
      noteOverwritten: async () => {},
    });
    const began = performance.now();
    await Promise.all(
      lanes.map(async (batches) => {
        for (const { body, push } of batches) await store.commit(whole ? await pushOf(edge, body) : push);
      }),
    );
    return perSecond(began);
  } finally {
    await db.destroy();
  }
}

const perSecond = (began: number): number => (orders * versions * 1000) / (performance.now() - began);

type Row = readonly (string | number | null)[];

/** The rows of a batch, ready for a driver, sorted by key. */
function rowsOf({ push }: Batch): readonly Row[] {
  const { companyId, establishmentId } = push.node;
  return push.checked
    .map((each): Row => {
      if (!each.ok) throw new Error('every change of this bench is right');
      const { entityId, version, updatedAt, hash } = each.change;
      const digest = entityDigest(sha256Hex, { entityId, version, hash });
      const bucket = bucketOf(sha256Hex, entityId);
      return [
        companyId,
        establishmentId,
        entityId,
        version,
        updatedAt,
        hash,
        digest,
        bucket,
        'received',
        push.digest.slice(0, 36),
        1,
        1,
        each.doc,
        ...[null, null, null],
      ];
    })
    .sort((a, b) => (String(a[2]) < String(b[2]) ? -1 : 1));
}
const columns =
  'company_id, establishment_id, order_id, version, updated_at, hash, digest, bucket, status, batch_id, received_at, applied_at, doc, request_id, token_hash, link_expires_at';
const types = [
  'text',
  'text',
  'text',
  'int',
  'text',
  'text',
  'text',
  'int',
  'text',
  'text',
  'bigint',
  'bigint',
  'text',
  'text',
  'text',
  'bigint',
];
const onConflict = `on conflict (company_id, establishment_id, order_id) do update set
  version = excluded.version, updated_at = excluded.updated_at, hash = excluded.hash, digest = excluded.digest,
  status = excluded.status, batch_id = excluded.batch_id, received_at = excluded.received_at,
  applied_at = excluded.applied_at, doc = excluded.doc, request_id = excluded.request_id,
  token_hash = excluded.token_hash, link_expires_at = excluded.link_expires_at, shown_at = null, prev_digest = orders.digest
  where excluded.updated_at > orders.updated_at and excluded.version > orders.version returning order_id, prev_digest`;

async function byHand(url: string, channels: number): Promise<number> {
  const db = await openMirrorDatabase(url);
  try {
    const edge = createEdge();
    const lanes = (await makeBatches(edge, newInstance(edge), channels)).map((batches) => batches.map(rowsOf));
    return isPostgres(db) ? await byHandPostgres(url, lanes) : await byHandSqlite(db, lanes);
  } finally {
    await db.destroy();
  }
}

type Lanes = readonly (readonly (readonly Row[])[])[];

async function byHandPostgres(url: string, lanes: Lanes): Promise<number> {
  const { Client } = createRequire(import.meta.url)('pg') as typeof import('pg');
  const clients = lanes.map(() => new Client({ connectionString: url }));
  for (const client of clients) await client.connect();
  const text = `insert into orders (${columns}) select * from unnest(${types.map((type, i) => `$${i + 1}::${type}[]`).join(', ')}) ${onConflict}`;
  const began = performance.now();
  await Promise.all(
    lanes.map(async (batches, i) => {
      for (const rows of batches) {
        const values = types.map((_, column) => rows.map((row) => row[column]));
        await clients[i]?.query({ name: 'upsert', text, values });
      }
    }),
  );
  const rate = perSecond(began);
  for (const client of clients) await client.end();
  return rate;
}

async function byHandSqlite(db: Database, lanes: Lanes): Promise<number> {
  const connection = await db.client.acquireConnection();
  const one = `(${types.map(() => '?').join(',')})`;
  const statement = connection.prepare(
    `insert into orders (${columns}) values ${Array(batchSize).fill(one).join(',')} ${onConflict}`,
  );
  const began = performance.now();
  for (const rows of lanes.flat()) statement.all(rows.flat());
  const rate = perSecond(began);
  await db.client.releaseConnection(connection);
  return rate;
}

async function measure(rounds: number, makeUrl: () => Promise<string>, channels: number): Promise<IngestFigures> {
  const apply: number[] = [];
  const whole: number[] = [];
  const hand: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    hand.push(await byHand(await makeUrl(), channels));
    apply.push(await ours(await makeUrl(), channels, false));
    whole.push(await ours(await makeUrl(), channels, true));
  }
  return { apply, whole, byHand: hand };
}

export async function benchIngest(rounds: number): Promise<Readonly<Record<string, IngestFigures>>> {
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'sgp-ingest-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  // The server of the tests does not wait for the disk; this one does, as in the field.
  const postgres = await startPostgres([]);
  stack.defer(() => postgres.stop());
  const server = openDatabase(postgres.url, { durability: 'full' });
  stack.defer(() => server.destroy());
  let databases = 0;
  const nextPostgres = async (): Promise<string> => {
    databases += 1;
    await server.raw(`create database ingest_${databases}`);
    const url = new URL(postgres.url);
    url.pathname = `/ingest_${databases}`;
    return url.href;
  };
  const nextSqlite = async (): Promise<string> => {
    databases += 1;
    return `sqlite:${dir}/ingest-${databases}.db`;
  };
  return {
    SQLite: await measure(rounds, nextSqlite, 1),
    'PostgreSQL, 1 channel': await measure(rounds, nextPostgres, 1),
    'PostgreSQL, 4 channels': await measure(rounds, nextPostgres, 4),
  };
}

/** The figures as lines of text. */
export const ingestLines = (figures: Awaited<ReturnType<typeof benchIngest>>): readonly string[] =>
  Object.entries(figures).map(([name, { apply, whole, byHand: hand }]) => {
    const ratio = apply.map((each, i) => each / (hand[i] ?? Number.NaN));
    return `ingest, ${name}, batches of ${batchSize}: ${spread(apply, 'snapshots/s', 0)}; with reading and checking ${spread(whole, 'snapshots/s', 0)}; the upsert by hand ${spread(hand, 'rows/s', 0)}; ratio ${spread(ratio, '×', 2)}`;
  });

if (import.meta.main) {
  for (const line of ingestLines(await benchIngest(Number(process.argv[2] ?? 3)))) console.log(line);
  process.exit(0);
}
