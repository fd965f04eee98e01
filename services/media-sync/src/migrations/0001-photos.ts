import type { Migration } from '@sgp/service-kit/database';

/**
 * One row for each photo. `state` says what is done (uploaded → derived → published, or refused); `announced` is the last
 * state that the bus was told. Times are milliseconds since 1970.
 */
export const photos: Migration = {
  name: '0001-photos',
  async up(db) {
    await db.schema.createTable('photos', (table) => {
      table.string('media_id', 36).primary();
      table.string('order_id', 36).notNullable();
      table.string('file', 36).notNullable();
      table.bigInteger('size_bytes').notNullable();
      table.string('state', 16).notNullable();
      table.string('announced', 16);
      table.bigInteger('received_at').notNullable();
      table.bigInteger('next_try_at').notNullable().defaultTo(0);
      // Starts of the decoder that have no orderly end yet: a picture that kills the process is known by them.
      table.integer('derive_starts').notNullable().defaultTo(0);
      table.integer('derive_failures').notNullable().defaultTo(0);
      table.integer('publish_attempts').notNullable().defaultTo(0);
      table.integer('width');
      table.integer('height');
      table.string('thumbhash', 64);
      table.bigInteger('taken_at');
      // JSON, bytes of each derived file by its name, for example {"160.webp": 2345}.
      table.text('file_sizes');
      table.string('refused_code', 40);
      table.string('refused_detail', 500);
      table.bigInteger('published_at');
      table.bigInteger('checked_at');
      table.index(['state', 'received_at']);
      table.index(['state', 'checked_at']);
    });
    await db.raw(
      "create index photos_unannounced on photos (received_at) where state <> 'uploaded' and (announced is null or (announced <> state and state <> 'derived'))",
    );
  },
};
