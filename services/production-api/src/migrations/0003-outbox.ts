import type { Migration } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';

/**
 * The outbox and what the edge knows about its deliveries (docs/sync-protocol.md §2). One-row tables carry `id = 1`, so
 * that no second row can appear.
 */
export const outboxMigration: Migration = {
  name: '0003-outbox',
  async up(db) {
    await db.schema.createTable('outbox', (table) => {
      // Filled from outbox_head: an engine's own counter leaves gaps (PostgreSQL) or hands a number out twice (SQLite
      // without autoincrement, once the last row is deleted).
      table.bigIncrements('seq');
      table.string('id', 36).notNullable().unique();
      table.string('stream', 32).notNullable();
      table.string('entity_id', 36).notNullable();
      table.bigInteger('version').notNullable();
      table.bigInteger('parent_version').notNullable();
      table.string('updated_at', 32).notNullable();
      table.string('op', 16).notNullable();
      table.text('payload').notNullable();
      table.string('hash', 64).notNullable();
      table.bigInteger('created_at').notNullable();
      table.integer('attempts').notNullable().defaultTo(0);
      table.string('parked_code', 64);
      table.text('parked_detail');
      table.bigInteger('parked_at');
      table.unique(['stream', 'entity_id', 'version']);
    });
    // The sender reads the newest open rows of a stream; parked ones must cost it nothing.
    await db.raw('create index outbox_open on outbox (stream, seq) where parked_at is null');
    await db.raw('create index outbox_parked on outbox (seq) where parked_at is not null');

    await db.schema.createTable('outbox_head', (table) => {
      table.integer('id').primary();
      table.bigInteger('last_seq').notNullable();
    });
    await db('outbox_head').insert({ id: 1, last_seq: 0 });

    await db.schema.createTable('hlc_state', (table) => {
      table.integer('id').primary();
      table.bigInteger('ms').notNullable();
      table.integer('counter').notNullable();
    });
    await db('hlc_state').insert({ id: 1, ms: 0, counter: 0 });

    await db.schema.createTable('sync_entities', (table) => {
      table.string('stream', 32).notNullable();
      table.string('entity_id', 36).notNullable();
      table.bigInteger('acked_version').notNullable();
      table.bigInteger('acked_at').notNullable();
      table.primary(['stream', 'entity_id']);
    });

    await db.schema.createTable('sync_state', (table) => {
      table.integer('id').primary();
      table.string('epoch', 36).notNullable();
      // Push numbers are reserved in blocks: this is the highest one that may have been used.
      table.bigInteger('push_seq').notNullable().defaultTo(0);
      table.bigInteger('acked_seq').notNullable().defaultTo(0);
      table.bigInteger('last_ack_at');
      table.bigInteger('offline_since');
      table.bigInteger('clock_skew_ms');
      table.string('blocked_kind', 16);
      table.string('blocked_code', 64);
      table.text('blocked_detail');
      table.bigInteger('batches').notNullable().defaultTo(0);
      table.bigInteger('changes_acked').notNullable().defaultTo(0);
      table.bigInteger('bytes_sent').notNullable().defaultTo(0);
    });
    await db('sync_state').insert({ id: 1, epoch: newId() });

    await db.schema.createTable('sync_incidents', (table) => {
      table.string('id', 36).primary();
      table.string('cause', 64).notNullable();
      table.bigInteger('started_at').notNullable().index();
      table.bigInteger('ended_at');
      table.bigInteger('peak_pending').notNullable();
      table.bigInteger('sent').notNullable();
    });
    // At most one is open.
    await db.raw('create unique index sync_incidents_open on sync_incidents ((1)) where ended_at is null');
  },
};
