import { type Database, isPostgres, type Migration } from '@sgp/service-kit/database';

/** People of the shop, their sessions, failed sign-ins, and the audit trail, which nothing can change afterwards. */
export const peopleMigration: Migration = {
  name: '0001-people',
  async up(db) {
    await db.schema.createTable('users', (table) => {
      table.string('user_id', 36).primary();
      table.string('login', 32).notNullable().unique();
      table.string('name', 120).notNullable();
      table.string('role', 16).notNullable();
      table.text('password_hash').notNullable();
      table.bigInteger('disabled_at');
      table.bigInteger('created_at').notNullable();
    });
    // One row: who turns `done_at` first has set the shop up, also when two browsers try at once.
    await db.schema.createTable('setup', (table) => {
      table.integer('id').primary();
      table.bigInteger('done_at');
    });
    await db('setup').insert({ id: 1, done_at: null });
    await db.schema.createTable('sessions', (table) => {
      table.string('token_hash', 64).primary();
      table.string('user_id', 36).notNullable().references('user_id').inTable('users').index();
      table.bigInteger('created_at').notNullable();
      table.bigInteger('seen_at').notNullable();
    });
    await db.schema.createTable('sign_in_failures', (table) => {
      table.increments('failure_id');
      table.string('login', 64).notNullable();
      table.string('address', 64).notNullable();
      table.bigInteger('failed_at').notNullable();
      table.index(['login', 'address', 'failed_at']);
      table.index(['address', 'failed_at']);
    });
    await createAudit(db);
  },
};

async function createAudit(db: Database): Promise<void> {
  await db.schema.createTable('audit', (table) => {
    table.increments('entry_id');
    table.bigInteger('at').notNullable();
    table.string('user_id', 36);
    table.string('who', 120).notNullable();
    table.string('address', 64);
    table.string('entity', 16).notNullable();
    table.string('entity_id', 64).notNullable();
    table.string('action', 32).notNullable();
    table.text('summary').notNullable();
    table.text('before').notNullable();
    table.text('after').notNullable();
    table.index(['entity_id', 'entry_id']);
  });
  if (isPostgres(db)) {
    await db.raw(`create function audit_refuse() returns trigger language plpgsql as
      $$ begin raise exception 'the audit trail is append-only'; end $$`);
    await db.raw(
      'create trigger audit_append_only before update or delete on audit for each row execute function audit_refuse()',
    );
    return;
  }
  for (const verb of ['update', 'delete'])
    await db.raw(
      `create trigger audit_no_${verb} before ${verb} on audit begin select raise(abort, 'the audit trail is append-only'); end`,
    );
}
