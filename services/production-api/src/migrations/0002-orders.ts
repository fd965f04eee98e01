import type { Database, Migration } from '@sgp/service-kit/database';
import { defaultStages } from '../orders/stages.ts';

/** The shop, customers, orders with their parts, photos, and what machines counted. */
export const ordersMigration: Migration = {
  name: '0002-orders',
  async up(db) {
    await createShop(db);
    await createCustomers(db);
    await createOrders(db);
    await createOrderParts(db);
    await createMedia(db);
  },
};

async function createShop(db: Database): Promise<void> {
  await db.schema.createTable('shop', (table) => {
    table.integer('id').primary();
    table.string('name', 120).notNullable();
    table.string('phone', 20).notNullable();
    table.string('whatsapp', 20).notNullable();
    table.string('time_zone', 64).notNullable();
  });
  await db.schema.createTable('stages', (table) => {
    table.string('key', 32).primary();
    table.integer('position').notNullable();
    table.string('label', 120).notNullable();
    table.string('status', 16).notNullable();
  });
  await db('stages').insert(defaultStages.map((stage, position) => ({ ...stage, position })));
  await db.schema.createTable('counters', (table) => {
    table.string('name', 32).primary();
    table.bigInteger('value').notNullable();
  });
  await db('counters').insert({ name: 'order-number', value: 1000 });
}

async function createCustomers(db: Database): Promise<void> {
  await db.schema.createTable('customers', (table) => {
    table.string('customer_id', 36).primary();
    table.string('name', 120).notNullable();
    table.string('first_name', 120).notNullable();
    table.string('phone', 20);
    table.string('email', 200);
    table.string('tax_id', 14);
    table.text('note').notNullable();
    /** What the search field looks through: no accents, lower case. */
    table.text('search').notNullable();
    table.bigInteger('created_at').notNullable();
  });
}

async function createOrders(db: Database): Promise<void> {
  await db.schema.createTable('orders', (table) => {
    table.string('order_id', 36).primary();
    table.string('number', 20).notNullable().unique();
    table.integer('version').notNullable();
    /** HLC stamp of this version. */
    table.string('updated_hlc', 40).notNullable();
    table.bigInteger('updated_at').notNullable();
    table.string('customer_id', 36).notNullable().references('customer_id').inTable('customers').index();
    table.string('status', 16).notNullable();
    table.string('stage_key', 32).notNullable();
    table.string('stage_label', 120).notNullable();
    table.bigInteger('promised_at').notNullable();
    table.bigInteger('discount_cents').notNullable();
    table.bigInteger('paid_cents').notNullable();
    table.bigInteger('total_cents').notNullable();
    table.text('note').notNullable();
    for (const moment of ['approved_at', 'started_at', 'ready_at', 'delivered_at', 'cancelled_at'])
      table.bigInteger(moment);
    table.bigInteger('created_at').notNullable();
    table.string('link_token', 22).unique();
    table.bigInteger('link_expires_at');
    table.bigInteger('link_revoked_at');
    /** Made from the items at each write, so that lists need not read them. */
    table.text('title').notNullable();
    table.integer('item_count').notNullable();
    table.double('quantity').notNullable();
    table.text('search').notNullable();
    table.index(['status', 'promised_at', 'order_id']);
    table.index(['promised_at', 'order_id']);
  });
}

async function createOrderParts(db: Database): Promise<void> {
  await db.schema.createTable('order_items', (table) => {
    table.string('item_id', 36).primary();
    table.string('order_id', 36).notNullable().references('order_id').inTable('orders');
    table.integer('position').notNullable();
    table.text('description').notNullable();
    table.double('quantity').notNullable();
    table.string('unit', 16).notNullable();
    table.bigInteger('unit_price_cents').notNullable();
    table.text('spec').notNullable();
    table.bigInteger('good').notNullable();
    table.bigInteger('scrap').notNullable();
    table.index(['order_id', 'position']);
  });
  await db.schema.createTable('order_timeline', (table) => {
    table.string('order_id', 36).notNullable().references('order_id').inTable('orders');
    table.integer('position').notNullable();
    table.string('status', 16).notNullable();
    table.string('stage_key', 32).notNullable();
    table.string('stage_label', 120).notNullable();
    table.bigInteger('at').notNullable();
    table.string('who', 120).notNullable();
    table.primary(['order_id', 'position']);
  });
  await db.schema.createTable('order_promise_changes', (table) => {
    table.string('order_id', 36).notNullable().references('order_id').inTable('orders');
    table.integer('position').notNullable();
    table.bigInteger('from_at').notNullable();
    table.bigInteger('to_at').notNullable();
    table.text('reason').notNullable();
    table.bigInteger('at').notNullable();
    table.string('who', 120).notNullable();
    table.primary(['order_id', 'position']);
  });
  await db.schema.createTable('production_counts', (table) => {
    table.string('machine_id', 36).notNullable();
    table.string('message_id', 64).notNullable();
    table.string('order_id', 36).notNullable().references('order_id').inTable('orders').index();
    table.bigInteger('good').notNullable();
    table.bigInteger('scrap').notNullable();
    table.bigInteger('at').notNullable();
    table.string('machine_name', 120).notNullable();
    table.primary(['machine_id', 'message_id']);
  });
}

async function createMedia(db: Database): Promise<void> {
  await db.schema.createTable('media', (table) => {
    table.string('media_id', 36).primary();
    table.string('order_id', 36).notNullable().references('order_id').inTable('orders');
    table.string('file_name', 200).notNullable();
    table.bigInteger('size_bytes').notNullable();
    table.bigInteger('received_bytes').notNullable();
    table.string('state', 16).notNullable();
    table.string('stage_key', 32).notNullable();
    table.string('stage_label', 120).notNullable();
    table.integer('visible').notNullable();
    table.bigInteger('taken_at').notNullable();
    table.integer('width');
    table.integer('height');
    table.string('thumbhash', 64);
    /** JSON: storage key by preset, once published. */
    table.text('keys');
    table.string('error_code', 40);
    table.string('error_detail', 500);
    table.bigInteger('created_at').notNullable();
    table.bigInteger('updated_at').notNullable();
    table.index(['order_id', 'created_at', 'media_id']);
    table.index(['state', 'updated_at']);
  });
}
