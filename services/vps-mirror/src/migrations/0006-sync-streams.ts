import { sha256Hex } from '@sgp/auth/digest';
import { type Database, isPostgres, type Migration } from '@sgp/service-kit/database';
import { bucketOf, createDigestDelta, entityDigest } from '@sgp/sync-engine/digest';
import { encodeDelta } from '../compare/digest-deltas.ts';
import { stampType } from './0009-downlink.ts';

/**
 * Sync, second version: every stream, several channels of one node, which running copy of a node is the present one,
 * digests that tell whether edge and Core are equal, and when an order was first shown (docs/sync-protocol.md).
 */
export const syncStreamsMigration: Migration = {
  name: '0006-sync-streams',
  async up(db) {
    const stamp = stampType(db);
    await createEntities(db, stamp);
    await extendOrders(db);
    await splitCheckpoints(db);
    await createInstances(db);
    await createDigests(db, stamp);
    await createTrail(db);
    await digestOrders(db);
  },
};

/** The newest version of everything that is no order. The key begins with the company, as that of `orders` does. */
async function createEntities(db: Database, stamp: string): Promise<void> {
  await db.schema.createTable('entities', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.string('stream', 16).notNullable();
    table.string('entity_id', 36).notNullable();
    table.integer('version').notNullable();
    table.specificType('updated_at', stamp).notNullable();
    table.string('hash', 64).notNullable();
    table.string('digest', 32).notNullable();
    /** Digest of the version that this one replaced: the statement that writes a batch reads it back. */
    table.string('prev_digest', 32).nullable();
    /** Without an index: it would cost each batch a quarter of its time, and a comparison that lists buckets is rare. */
    table.smallint('bucket').notNullable();
    table.string('batch_id', 36).notNullable();
    table.bigInteger('received_at').notNullable();
    table.bigInteger('applied_at').notNullable();
    table.string('request_id', 64).nullable();
    table.text('doc').notNullable();
    table.primary(['company_id', 'establishment_id', 'stream', 'entity_id']);
  });
}

async function extendOrders(db: Database): Promise<void> {
  await db.schema.alterTable('orders', (table) => {
    table.string('digest', 32).nullable();
    table.string('prev_digest', 32).nullable();
    table.smallint('bucket').nullable();
    table.string('request_id', 64).nullable();
    table.bigInteger('applied_at').nullable();
    /** When this version was first shown to its customer. */
    table.bigInteger('shown_at').nullable();
  });
}

/** Push numbers of several channels: the key of a checkpoint gets the channel, which SQLite can only do in a new table. */
async function splitCheckpoints(db: Database): Promise<void> {
  await db.schema.renameTable('push_checkpoints', 'push_checkpoints_1');
  await db.schema.createTable('push_checkpoints', (table) => {
    table.string('node_id', 36).notNullable();
    table.string('epoch', 36).notNullable();
    table.smallint('channel').notNullable();
    table.bigInteger('push_seq').notNullable();
    table.bigInteger('acked_seq').notNullable();
    /** Highest change number that ever arrived. */
    table.bigInteger('max_seq').notNullable();
    table.bigInteger('last_at').notNullable();
    table.bigInteger('skew_ms').notNullable();
    table.primary(['node_id', 'epoch', 'channel'], 'push_checkpoints_channel_pkey');
  });
  await db.raw(`insert into push_checkpoints (node_id, epoch, channel, push_seq, acked_seq, max_seq, last_at, skew_ms)
    select node_id, epoch, 0, push_seq, acked_seq, acked_seq, last_at, skew_ms from push_checkpoints_1`);
  await db.schema.dropTable('push_checkpoints_1');
}

async function createInstances(db: Database): Promise<void> {
  /** The present instance of each node; `epoch` is null until it said hello. */
  await db.schema.createTable('node_sync', (table) => {
    table.string('node_id', 36).primary();
    table.string('company_id', 36).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.string('epoch', 36).nullable();
    table.bigInteger('generation').nullable();
    table.string('instance_id', 36).nullable();
    table.bigInteger('forked_at').nullable();
    /** What the edge last told of itself, as JSON (`edgeHealthSchema`). */
    table.text('health').nullable();
    table.bigInteger('last_seen_at').notNullable();
    table.index(['company_id', 'establishment_id']);
  });
  await db.schema.createTable('node_instances', (table) => {
    table.string('node_id', 36).notNullable();
    table.string('epoch', 36).notNullable();
    table.string('instance_id', 36).notNullable();
    table.bigInteger('generation').notNullable();
    table.bigInteger('first_at').notNullable();
    table.bigInteger('last_at').notNullable();
    table.bigInteger('superseded_at').nullable();
    table.primary(['node_id', 'epoch', 'instance_id']);
  });
}

async function createDigests(db: Database, stamp: string): Promise<void> {
  /** What each batch changes in the sums; appended, so that pushes at once never wait for each other's buckets. */
  await db.schema.createTable('digest_deltas', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.string('stream', 16).notNullable();
    table.string('batch_id', 36).notNullable();
    table.specificType('newest', stamp).notNullable();
    table.text('deltas').notNullable();
    table.primary(['company_id', 'establishment_id', 'stream', 'batch_id']);
  });
  await db.schema.createTable('digest_buckets', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.string('stream', 16).notNullable();
    table.smallint('bucket').notNullable();
    table.string('sum', 32).notNullable();
    table.integer('rows').notNullable();
    table.primary(['company_id', 'establishment_id', 'stream', 'bucket']);
  });
  await db.schema.createTable('digest_heads', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.string('stream', 16).notNullable();
    table.specificType('newest', stamp).notNullable();
    /** When the sums were last made anew from the rows. */
    table.bigInteger('recounted_at').notNullable().index();
    table.primary(['company_id', 'establishment_id', 'stream']);
  });
  /** The last receipt of each day. */
  await db.schema.createTable('sync_receipts', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.string('node_id', 36).notNullable();
    table.string('day', 10).notNullable();
    table.bigInteger('at').notNullable().index();
    table.text('receipt').notNullable();
    table.primary(['company_id', 'establishment_id', 'node_id', 'day']);
  });
}

async function createTrail(db: Database): Promise<void> {
  /** Versions that were shown; what was not shown yet is in the order's row. */
  await db.schema.createTable('order_trail', (table) => {
    table.string('company_id', 36).notNullable();
    table.string('establishment_id', 36).notNullable();
    table.string('order_id', 36).notNullable();
    table.integer('version').notNullable();
    table.string('request_id', 64).nullable();
    table.bigInteger('received_at').notNullable();
    table.bigInteger('applied_at').nullable();
    table.bigInteger('shown_at').notNullable().index();
    /** Acknowledgements say it up to this time. */
    table.bigInteger('tell_until').notNullable();
    table.primary(['company_id', 'establishment_id', 'order_id', 'version']);
    table.index(['company_id', 'establishment_id', 'tell_until']);
  });
}

/** Orders of one statement: it has 4 parameters for each. */
const stepMaxRows = 500;

type OrderRow = {
  readonly company_id: string;
  readonly establishment_id: string;
  readonly order_id: string;
  readonly version: number;
  readonly updated_at: string;
  readonly hash: string;
};

/** Orders that were there before there were digests are counted as if a batch had just brought them. */
async function digestOrders(db: Database): Promise<void> {
  for (let step = 0; ; step += 1) {
    const rows: readonly OrderRow[] = await db('orders')
      .whereNull('digest')
      .limit(stepMaxRows)
      .select('company_id', 'establishment_id', 'order_id', 'version', 'updated_at', 'hash');
    if (rows.length === 0) return;
    const digested = rows.map((row) => ({
      ...row,
      digest: entityDigest(sha256Hex, { entityId: row.order_id, version: row.version, hash: row.hash }),
      bucket: bucketOf(sha256Hex, row.order_id),
    }));
    const cast = isPostgres(db) ? '::int' : '';
    await db.raw(
      `update orders set digest = v.digest, bucket = v.bucket
       from (select column1 as order_id, column2 as hash, column3 as digest, column4 as bucket
             from (values ${digested.map(() => `(?, ?, ?, ?${cast})`).join(', ')}) as given) as v
       where orders.order_id = v.order_id and orders.hash = v.hash and orders.digest is null`,
      digested.flatMap(({ order_id, hash, digest, bucket }) => [order_id, hash, digest, bucket]),
    );
    for (const [, of] of Map.groupBy(digested, (row) => `${row.company_id}/${row.establishment_id}`)) {
      const delta = createDigestDelta();
      for (const { bucket, digest } of of) delta.add(bucket, digest);
      await db('digest_deltas').insert({
        company_id: of[0]?.company_id,
        establishment_id: of[0]?.establishment_id,
        stream: 'orders',
        batch_id: `migration-${step}`,
        newest: of.map((row) => row.updated_at).reduce((a, b) => (a > b ? a : b)),
        deltas: encodeDelta(delta),
      });
    }
  }
}
