import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import { type JournalBatch, type JournalReply, unpackMessages } from './journal-batch.ts';

/**
 * The journal's thread: one transaction for each batch, on the disk (`synchronous = FULL`) before it answers. It is a
 * thread so that a slow disk delays only what waits for it, never the broker's sockets.
 */
const port = parentPort;
if (!port) throw new Error('the journal runs as a worker');
const db = new Sqlite((workerData as { file: string }).file);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('busy_timeout = 5000');

const upsertSession = db.prepare(
  'insert into sessions (id, client_id, seen_at) values (?, ?, ?) on conflict (id) do update set seen_at = excluded.seen_at',
);
const deleteFilters = db.prepare('delete from session_filters where session_id = ?');
const insertFilter = db.prepare('insert into session_filters (session_id, filter, qos) values (?, ?, ?)');
const insertMessage = db.prepare('insert into journal_queue (session_id, id, topic, payload) values (?, ?, ?, ?)');
const deleteUpTo = db.prepare('delete from journal_queue where session_id = ? and id <= ?');
const deleteMessage = db.prepare('delete from journal_queue where session_id = ? and id = ?');
const deleteQueue = db.prepare('delete from journal_queue where session_id = ?');
const deleteSession = db.prepare('delete from sessions where id = ?');
const upsertRetained = db.prepare(
  'insert into retained (topic, payload, qos) values (?, ?, ?) on conflict (topic) do update set payload = excluded.payload, qos = excluded.qos',
);
const deleteRetained = db.prepare('delete from retained where topic = ?');

const commit = db.transaction((batch: JournalBatch): void => {
  for (const { id, clientId, seenAt, filters } of batch.sessions) {
    upsertSession.run(id, clientId, seenAt);
    if (!filters) continue;
    deleteFilters.run(id);
    for (const [filter, qos] of filters) insertFilter.run(id, filter, qos);
  }
  for (const { sessionId, id, topic, payload } of unpackMessages(batch.messages, batch.messageCount))
    insertMessage.run(sessionId, id, topic, payload);
  for (const { topic, payload, qos } of batch.retained)
    if (payload.length === 0) deleteRetained.run(topic);
    else upsertRetained.run(topic, payload, qos);
  for (const [sessionId, id] of batch.deliveredUpTo) deleteUpTo.run(sessionId, id);
  for (const [sessionId, id] of batch.delivered) deleteMessage.run(sessionId, id);
  for (const id of batch.removedSessions) {
    deleteQueue.run(id);
    deleteFilters.run(id);
    deleteSession.run(id);
  }
});

port.on('message', (batch: JournalBatch | 'close') => {
  if (batch === 'close') {
    db.close();
    port.close();
    return;
  }
  const startedAt = performance.now();
  let error: JournalReply['error'] = null;
  try {
    commit.immediate(batch);
  } catch (cause) {
    const { message, code } = cause as Error & { code?: string };
    error = { message, code: code ?? 'UNKNOWN' };
  }
  port.postMessage({ error, seconds: (performance.now() - startedAt) / 1000 } satisfies JournalReply);
});
