import { type Database, isPostgres, type Migration } from '@sgp/service-kit/database';

/** What machines say: samples, log, counts by day, what was refused, and how each machine stands. */
export const floorMigration: Migration = {
  name: '0001-floor',
  async up(db) {
    await createSamples(db);
    await createLog(db);
    await createCounts(db);
    await db.schema.createTable('machine_status', (table) => {
      table.string('machine_id', 36).primary();
      table.string('state', 16);
      table.string('state_reason', 500);
      table.bigInteger('state_at');
      table.bigInteger('state_since');
      table.boolean('online');
      table.bigInteger('online_since');
      table.bigInteger('last_message_at');
      table.bigInteger('clock_skew_ms');
      table.string('order_id', 36);
      table.string('order_number', 20);
      table.string('order_customer', 120);
    });
    // `machine_id` is empty for clients that are no machine of this shop.
    await db.schema.createTable('machine_refusals', (table) => {
      table.string('machine_id', 36).notNullable();
      table.string('code', 40).notNullable();
      table.bigInteger('count').notNullable();
      table.bigInteger('last_at').notNullable();
      table.primary(['machine_id', 'code']);
    });
  },
};

async function createSamples(db: Database): Promise<void> {
  await db.schema.createTable('metrics', (table) => {
    table.increments('metric_id');
    table.string('machine_id', 36).notNullable();
    table.string('name', 64).notNullable();
    table.unique(['machine_id', 'name']);
  });
  // `skew_ms` is the machine's own time minus `at`: 0 but for a machine whose clock is wrong. Two of its samples may
  // arrive in one millisecond, so it is part of the key. `word` is a text, or with `number` 0 or 1 a boolean.
  const columns = isPostgres(db)
    ? 'metric_id bigint not null, at bigint not null, skew_ms bigint not null, number double precision, word text'
    : 'metric_id integer not null, at integer not null, skew_ms integer not null, number real, word text';
  await db.raw(
    `create table samples (${columns}, primary key (metric_id, at, skew_ms))${isPostgres(db) ? '' : ' without rowid'}`,
  );
  await db.raw('create index samples_skewed on samples (metric_id, (at + skew_ms)) where skew_ms <> 0');
}

async function createLog(db: Database): Promise<void> {
  await db.schema.createTable('machine_log', (table) => {
    table.bigIncrements('line_id');
    table.string('machine_id', 36).notNullable();
    table.bigInteger('at').notNullable();
    table.bigInteger('machine_at');
    table.string('kind', 16).notNullable();
    table.string('level', 8).notNullable();
    table.text('code').notNullable();
    table.text('text').notNullable();
    table.string('mark', 40);
    table.text('data').notNullable();
    // Makes a message unique with machine and kind, so that a repeat is stored once.
    table.string('message_key', 128).notNullable();
    table.unique(['machine_id', 'kind', 'message_key']);
    table.index(['machine_id', 'at', 'line_id']);
    table.index(['machine_id', 'kind', 'at', 'line_id']);
    table.index(['at']);
  });
  await db.raw("create index machine_log_refused on machine_log (line_id) where kind = 'refused'");
  await db.raw('create index machine_log_marked on machine_log (machine_id, line_id) where mark is not null');
}

async function createCounts(db: Database): Promise<void> {
  await db.schema.createTable('machine_counts', (table) => {
    table.string('machine_id', 36).notNullable();
    // Local day of the shop, YYYY-MM-DD.
    table.string('day', 10).notNullable();
    table.bigInteger('good').notNullable();
    table.bigInteger('scrap').notNullable();
    table.primary(['day', 'machine_id']);
  });
  // Counts on their way to their order: telemetry.db and production.db share no transaction, so a count is written here
  // with its log line and taken out once the order has it.
  await db.schema.createTable('count_deliveries', (table) => {
    table.bigInteger('line_id').primary();
    table.string('machine_id', 36).notNullable();
    table.string('message_id', 64).notNullable();
    table.string('order_id', 36).notNullable();
    table.bigInteger('good').notNullable();
    table.bigInteger('scrap').notNullable();
    table.bigInteger('at').notNullable();
    table.integer('attempts').notNullable();
    table.bigInteger('next_at').notNullable().index();
  });
}
