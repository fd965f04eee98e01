import type { Migration } from '@sgp/service-kit/database';

/**
 * Credentials of machines, and the journal: durable sessions with their filters, what each still has to receive, and the
 * retained messages. `journal_queue` is keyed by session and then by number, so that a session's backlog is one range.
 */
export const broker: Migration = {
  name: '0001-broker',
  async up(db) {
    await db.raw(
      'create table credentials (username text not null, secret_sha256 text not null, primary key (username, secret_sha256)) without rowid',
    );
    await db.raw(
      'create table sessions (id integer primary key, client_id text not null unique, seen_at integer not null)',
    );
    await db.raw(
      'create table session_filters (session_id integer not null, filter text not null, qos integer not null, primary key (session_id, filter)) without rowid',
    );
    await db.raw(
      'create table journal_queue (session_id integer not null, id integer not null, topic text not null, payload blob not null, primary key (session_id, id)) without rowid',
    );
    await db.raw(
      'create table retained (topic text primary key, payload blob not null, qos integer not null) without rowid',
    );
  },
};
