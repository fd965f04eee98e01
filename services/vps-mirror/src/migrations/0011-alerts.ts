import type { Migration } from '@sgp/service-kit/database';

/** Outages of establishments, who is told of them, and what still has to be told. */
export const alertsMigration: Migration = {
  name: '0011-alerts',
  async up(db) {
    /** One row: since when the Core has been watching without a gap. Whoever holds its lock watches. */
    await db.schema.createTable('incident_watch', (table) => {
      table.integer('id').primary();
      table.bigInteger('since').notNullable();
      table.bigInteger('last_at').notNullable();
    });
    await db('incident_watch').insert({ id: 1, since: 0, last_at: 0 });
    await db.schema.createTable('incidents', (table) => {
      table.string('incident_id', 36).primary();
      table.string('company_id', 36).notNullable();
      table.string('establishment_id', 36).notNullable();
      table.bigInteger('started_at').notNullable();
      table.bigInteger('opened_at').notNullable();
      /** First contact that may be the end of it. */
      table.bigInteger('back_since').nullable();
      table.bigInteger('ended_at').nullable().index();
      table.bigInteger('alerted_at').nullable();
      table.integer('peak_pending').notNullable();
      table.index(['company_id', 'establishment_id', 'started_at']);
    });
    await db.schema.createTable('alert_settings', (table) => {
      table.string('company_id', 36).primary();
      table.text('doc').notNullable();
      table.integer('secret_version').notNullable();
      table.bigInteger('rotated_at').nullable();
    });
    await db.schema.createTable('maintenance_windows', (table) => {
      table.string('maintenance_id', 36).primary();
      table.string('company_id', 36).notNullable().index();
      table.string('establishment_id', 36).nullable();
      table.bigInteger('from_at').notNullable();
      table.bigInteger('until_at').notNullable().index();
      table.string('reason', 2000).notNullable();
    });
    await db.schema.createTable('alert_outbox', (table) => {
      /** Also the webhook-id and the Message-ID: whoever gets a message twice can tell. */
      table.string('message_id', 36).primary();
      table.string('company_id', 36).notNullable();
      table.string('incident_id', 36).notNullable();
      table.string('kind', 10).notNullable();
      table.string('channel', 10).notNullable();
      table.string('target', 2000).notNullable();
      table.text('content').notNullable();
      table.bigInteger('created_at').notNullable();
      table.integer('tries').notNullable();
      /** Nobody else takes it before this time. Null once it is sent or given up. */
      table.bigInteger('due_at').nullable().index();
      table.bigInteger('sent_at').nullable();
      table.string('error', 500).nullable();
      table.unique(['incident_id', 'kind', 'channel', 'target']);
      table.index(['company_id', 'created_at']);
    });
  },
};
