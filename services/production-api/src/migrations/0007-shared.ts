import type { Database, Migration } from '@sgp/service-kit/database';

/** What comes down from the Core, what both sides write, stock, and the conflict ledger (docs/sync-protocol.md §2). */
export const sharedMigration: Migration = {
  name: '0007-shared',
  async up(db) {
    await createInbox(db);
    await createShared(db);
    await createStock(db);
    await createConflicts(db);
    await numberStates(db);
  },
};

async function createInbox(db: Database): Promise<void> {
  await db.schema.createTable('inbox_cursor', (table) => {
    table.integer('id').primary();
    table.string('core_epoch', 36);
    table.bigInteger('cursor').notNullable();
    /** When the Core signed the answer that brought us here, in seconds. */
    table.bigInteger('signed_at_s').notNullable();
    table.bigInteger('last_answer_at');
  });
  await db('inbox_cursor').insert({ id: 1, core_epoch: null, cursor: 0, signed_at_s: 0 });
  await db.schema.createTable('inbox_entities', (table) => {
    table.string('stream', 32).notNullable();
    table.string('entity_id', 36).notNullable();
    table.string('core_epoch', 36).notNullable();
    table.bigInteger('version').notNullable();
    table.string('updated_at', 32).notNullable();
    table.string('hash', 64).notNullable();
    table.primary(['stream', 'entity_id']);
  });
  // The newest of each entity that did not fit: a later version that fits takes it out.
  await db.schema.createTable('inbox_parked', (table) => {
    table.string('stream', 32).notNullable();
    table.string('entity_id', 36).notNullable();
    table.string('id', 36).notNullable();
    table.bigInteger('seq').notNullable();
    table.bigInteger('version').notNullable();
    table.string('code', 64).notNullable();
    table.text('detail').notNullable();
    table.text('payload').notNullable();
    table.bigInteger('parked_at').notNullable();
    /** Set once the Core knows of it. */
    table.bigInteger('told_at');
    table.primary(['stream', 'entity_id']);
  });
}

async function createShared(db: Database): Promise<void> {
  await db.schema.createTable('shared_entities', (table) => {
    table.string('kind', 16).notNullable();
    table.string('entity_id', 36).notNullable();
    /** As shown: the Core's state with the edits of this shop that it did not acknowledge yet. */
    table.text('doc').notNullable();
    table.primary(['kind', 'entity_id']);
  });
  // Edits of this shop by the entity that they are of; one whose change left the outbox is in the Core's state.
  await db.schema.createTable('shared_edits', (table) => {
    table.string('edit_id', 36).primary();
    table.string('kind', 16).notNullable();
    table.string('entity_id', 36).notNullable();
    table.string('at', 32).notNullable();
    table.text('doc').notNullable();
    table.index(['kind', 'entity_id']);
  });
}

async function createStock(db: Database): Promise<void> {
  await db.schema.createTable('stock', (table) => {
    table.string('material_id', 36).primary();
    table.bigInteger('balance_milli').notNullable();
    table.bigInteger('reserved_milli').notNullable();
  });
  await db.schema.createTable('movements', (table) => {
    table.string('movement_id', 36).primary();
    table.string('material_id', 36).notNullable();
    table.string('transfer_id', 36).index();
    table.string('compensates', 36).index();
    table.string('kind', 16).notNullable();
    table.string('state', 16).notNullable();
    table.bigInteger('quantity_milli').notNullable();
    table.bigInteger('at').notNullable();
    table.integer('version').notNullable();
    table.text('doc').notNullable();
    table.index(['material_id', 'at']);
  });
  await db.schema.createTable('transfers', (table) => {
    table.string('transfer_id', 36).primary();
    table.string('state', 16).notNullable();
    table.bigInteger('requested_at').notNullable().index();
    table.text('doc').notNullable();
  });
}

async function createConflicts(db: Database): Promise<void> {
  await db.schema.createTable('conflicts', (table) => {
    table.string('conflict_id', 36).primary();
    table.string('kind', 16).notNullable();
    table.string('entity', 16).notNullable();
    table.string('entity_id', 36).notNullable();
    table.string('field', 32);
    table.text('winner').notNullable();
    table.text('loser').notNullable();
    table.bigInteger('at').notNullable().index();
    table.bigInteger('resolved_at');
    table.string('resolution', 16);
    /** `core`: it came down. `edge`: found here. */
    table.string('origin', 8).notNullable();
  });
  await db.raw('create index conflicts_open on conflicts (at) where resolved_at is null');
}

/** Customers and machines are sent as states: 0 is one that was never sent. */
async function numberStates(db: Database): Promise<void> {
  for (const name of ['customers', 'machines'])
    await db.schema.alterTable(name, (table) => {
      table.integer('sync_version').notNullable().defaultTo(0);
    });
  // Hours of a machine up to this one are in the outbox, or were.
  await db.schema.createTable('rollup_marks', (table) => {
    table.string('machine_id', 36).primary();
    table.bigInteger('next_hour').notNullable();
  });
}
