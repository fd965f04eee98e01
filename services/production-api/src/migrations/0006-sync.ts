import type { Database, Migration } from '@sgp/service-kit/database';
import { streamRules } from '@sgp/shared/sync';

/** The second version of the sync (docs/sync-protocol.md §2): lanes, instances, digests, repairs and the event trail. */
export const syncMigration: Migration = {
  name: '0006-sync',
  async up(db) {
    await addLanes(db);
    await addInstances(db);
    await rebuildEntities(db);
    await createComparison(db);
    await createTrail(db);
  },
};

async function addLanes(db: Database): Promise<void> {
  await db.schema.alterTable('outbox', (table) => {
    // What was written before are orders.
    table.integer('lane').notNullable().defaultTo(streamRules.orders.lane);
    table.string('request_id', 64);
  });
  // The oldest open row of each lane, without a look at the others.
  await db.raw('create index outbox_lane on outbox (lane, seq) where parked_at is null');
  // Counted in the transactions that change them: counting a million rows at each status would cost more than sending them.
  await db.schema.alterTable('outbox_head', (table) => {
    for (const lane of [0, 1, 2, 3]) table.bigInteger(`open_lane${lane}`).notNullable().defaultTo(0);
    table.bigInteger('parked').notNullable().defaultTo(0);
    table.bigInteger('shed').notNullable().defaultTo(0);
    /** The disk is nearly full: lane 3 is refused. */
    table.boolean('shedding').notNullable().defaultTo(false);
  });
  const parked = () => db('outbox').whereNotNull('parked_at').count({ n: '*' }).first();
  const open = () => db('outbox').whereNull('parked_at').count({ n: '*' }).first();
  await db('outbox_head')
    .where({ id: 1 })
    .update({ open_lane1: Number((await open())?.['n']), parked: Number((await parked())?.['n']) });
}

async function addInstances(db: Database): Promise<void> {
  await db.schema.alterTable('sync_state', (table) => {
    /** Grows by one with each start of the bridge. */
    table.bigInteger('generation').notNullable().defaultTo(0);
    table.string('parent_epoch', 36);
  });
  await db.schema.createTable('sync_channels', (table) => {
    table.integer('channel').primary();
    // Reserved in blocks: the highest number that may have been used.
    table.bigInteger('push_seq').notNullable();
  });
  const { push_seq } = await db('sync_state').where({ id: 1 }).first('push_seq');
  await db('sync_channels').insert(
    [0, 1, 2, 3].map((channel) => ({ channel, push_seq: channel === 0 ? push_seq : 0 })),
  );
  await db.raw('alter table sync_state drop column push_seq');
}

/** What the edge last said of each entity. It was a list of acknowledged versions; no engine adds what is missing in place. */
async function rebuildEntities(db: Database): Promise<void> {
  await db.raw('alter table sync_entities rename to sync_entities_before');
  await db.schema.createTable('sync_entities', (table) => {
    table.string('stream', 32).notNullable();
    table.string('entity_id', 36).notNullable();
    table.bigInteger('version').notNullable();
    table.string('updated_at', 32).notNullable();
    table.string('hash', 64).notNullable();
    table.text('doc').notNullable();
    /** Hex of 16 bytes (packages/shared/src/sync-digest.ts). */
    table.string('digest', 32).notNullable();
    table.integer('bucket').notNullable();
    /** The digest that is counted in `digest_buckets`; null while this version is not acknowledged. */
    table.string('settled_digest', 32);
    table.bigInteger('acked_version').notNullable().defaultTo(0);
    table.bigInteger('acked_at');
    table.primary(['stream', 'entity_id'], 'sync_entities_key');
  });
  await db.raw('create index sync_entities_bucket on sync_entities (stream, bucket)');
  // The newest stamp of a stream, for the first round of a comparison.
  await db.raw(
    'create index sync_entities_newest on sync_entities (stream, updated_at) where settled_digest is not null',
  );

  await db.schema.createTable('sync_repairs', (table) => {
    table.string('stream', 32).notNullable();
    table.string('entity_id', 36).notNullable();
    /** The Core's version, above which the entity is written anew; 0 when only its content is not known to the comparison. */
    table.bigInteger('core_version').notNullable();
    table.string('core_updated_at', 32);
    table.text('core_doc');
    table.bigInteger('found_at').notNullable();
    table.primary(['stream', 'entity_id']);
  });
  // Their content was not kept: each is written once more, after which the comparison knows it.
  await db.raw(`insert into sync_repairs (stream, entity_id, core_version, found_at)
    select 'orders', order_id, 0, updated_at from orders`);
  // Until then the lists go on showing what had arrived.
  await db.raw(`insert into sync_entities
      (stream, entity_id, version, updated_at, hash, doc, digest, bucket, settled_digest, acked_version, acked_at)
    select stream, entity_id, acked_version, '', '', '', '', -1, null, acked_version, acked_at from sync_entities_before`);
  await db.schema.dropTable('sync_entities_before');
}

async function createComparison(db: Database): Promise<void> {
  await db.schema.createTable('digest_buckets', (table) => {
    table.string('stream', 32).notNullable();
    table.integer('bucket').notNullable();
    /** Hex of the sum modulo 2^128 over the settled entities. */
    table.string('sum', 32).notNullable();
    table.bigInteger('rows').notNullable();
    table.primary(['stream', 'bucket']);
  });
  await db.schema.createTable('sync_receipts', (table) => {
    table.bigInteger('received_at').primary();
    /** As the Core signed it. */
    table.text('receipt').notNullable();
  });
}

async function createTrail(db: Database): Promise<void> {
  await db.schema.createTable('sync_trail', (table) => {
    table.string('stream', 32).notNullable();
    table.string('entity_id', 36).notNullable();
    table.bigInteger('version').notNullable();
    table.string('request_id', 64);
    for (const moment of ['sent_at', 'applied_at', 'acked_at', 'shown_at']) table.bigInteger(moment);
    table.bigInteger('committed_at').notNullable().index();
    table.primary(['stream', 'entity_id', 'version']);
  });
}
