import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import { brokerLimits } from '../broker-limits.ts';
import {
  createMessagePacker,
  type JournalBatch,
  type JournalReply,
  type RetainedRow,
  type SessionRow,
} from './journal-batch.ts';

export type StoredMessage = { readonly id: number; readonly topic: string; readonly payload: Buffer };
type Done = (error: Error | null) => void;

/**
 * Write-ahead journal of what the broker acknowledged and has not delivered yet. Everything asked for while one commit runs
 * goes into the next one, so that the group grows with the disk's slowness and no fixed delay is ever added.
 */
export type Journal = AsyncDisposable & {
  readonly sessions: readonly (SessionRow & { readonly waitingMessages: number })[];
  readonly retained: readonly RetainedRow[];
  /**
   * Stores a message for each of the sessions, and as retained when `retain` is given. `done` is called after the commit,
   * in the order of the calls; with an error nothing was stored.
   */
  append(
    message: { readonly topic: string; readonly payload: Buffer },
    sessionIds: readonly number[],
    retainQos: number | null,
    done: (error: Error | null, id: number) => void,
  ): void;
  /**
   * Forgets a delivered message; not urgent, because a message that stays is only sent again.
   * @param allBefore every earlier message of the session is delivered too
   */
  acknowledge(sessionId: number, message: StoredMessage, allBefore: boolean): void;
  saveSession(session: SessionRow): Promise<void>;
  removeSession(sessionId: number): Promise<void>;
  saveRetained(row: RetainedRow): Promise<void>;
  /** The messages of a session after `afterId`, in order. Only what is committed. */
  read(sessionId: number, afterId: number, maxMessages: number): StoredMessage[];
  /** Throws when the last commit failed. */
  check(): void;
  /** Bytes of topics and payloads that wait. */
  readonly waitingBytes: number;
};

export type JournalDeps = {
  readonly file: string;
  readonly observeCommit: (messages: number, seconds: number) => void;
  /** The journal's thread died: nothing can be promised any more. */
  readonly onFailure: (error: Error) => void;
};

export async function openJournal({ file, observeCommit, onFailure }: JournalDeps): Promise<Journal> {
  const reader = new Sqlite(file, { readonly: true });
  const stored = readAll(reader);
  const worker = new Worker(new URL('./journal-worker.ts', import.meta.url), { workerData: { file } });
  worker.on('error', onFailure);
  worker.on('exit', () => onFailure(new Error('the journal ended')));
  await once(worker, 'online');
  const selectPage = reader.prepare<[number, number, number], StoredMessage>(
    'select id, topic, payload from journal_queue where session_id = ? and id > ? order by id limit ?',
  );
  const selectBytes = reader.prepare<[], { bytes: number }>(
    'select coalesce(sum(length(topic) + length(payload)), 0) as bytes from journal_queue',
  );
  let nextId = stored.maxId + 1;
  let waitingBytes = stored.waitingBytes;
  let next = createPending();
  let running: Pending | null = null;
  let runningCount = 0;
  let lastFailure: Error | null = null;
  let ackTimer: NodeJS.Timeout | undefined;
  const packer = createMessagePacker();

  const commit = (): void => {
    clearTimeout(ackTimer);
    ackTimer = undefined;
    running = next;
    next = createPending();
    runningCount = packer.count;
    const messages = packer.take();
    const { sessions, retained, deliveredUpTo, delivered, removedSessions } = running;
    const batch = {
      sessions,
      messages,
      messageCount: runningCount,
      retained,
      deliveredUpTo,
      delivered,
      removedSessions,
    };
    worker.postMessage(batch satisfies JournalBatch, [messages]);
  };
  worker.on('message', ({ error, seconds }: JournalReply) => {
    observeCommit(runningCount, seconds);
    const done = running?.done ?? [];
    running = null;
    const failure = error && Object.assign(new Error(error.message), { code: error.code });
    lastFailure = failure;
    // The next commit starts before the callbacks run: the disk works while the acknowledgements are written.
    if (next.urgent) commit();
    for (const each of done) each(failure);
    if (!running && hasDeliveries(next)) commitSoon();
  });
  const commitNow = (): void => {
    next.urgent = true;
    if (!running) commit();
  };
  const commitSoon = (): void => {
    ackTimer ??= setTimeout(() => {
      ackTimer = undefined;
      if (!running && hasDeliveries(next)) commit();
    }, brokerLimits.journalAckMaxDelayMs);
  };
  const settled = (ask: (done: Done) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      ask((error) => (error ? reject(error) : resolve()));
      commitNow();
    });

  return {
    sessions: stored.sessions,
    retained: stored.retained,
    append(message, sessionIds, retainQos, done) {
      const id = nextId;
      nextId += 1;
      const { topic, payload } = message;
      const bytes = sessionIds.length * sizeOf(message);
      if (waitingBytes + bytes > brokerLimits.journalMaxBytes)
        return done(Object.assign(new Error('the journal has reached its limit'), { code: 'SQLITE_FULL' }), id);
      for (const sessionId of sessionIds) packer.add({ sessionId, id, topic, payload });
      if (retainQos !== null) next.retained.push({ topic, payload, qos: retainQos });
      waitingBytes += bytes;
      next.done.push((error) => {
        if (error) waitingBytes -= bytes;
        done(error, id);
      });
      commitNow();
    },
    acknowledge(sessionId, message, allBefore) {
      waitingBytes -= sizeOf(message);
      if (allBefore) next.deliveredUpTo.set(sessionId, message.id);
      else next.delivered.push([sessionId, message.id]);
      if (!running) commitSoon();
    },
    saveSession: (session) =>
      settled((done) => {
        next.sessions.push(session);
        next.done.push(done);
      }),
    async removeSession(sessionId) {
      await settled((done) => {
        next.removedSessions.push(sessionId);
        next.done.push(done);
      });
      waitingBytes = selectBytes.get()?.bytes ?? 0;
    },
    saveRetained: (row) =>
      settled((done) => {
        next.retained.push(row);
        next.done.push(done);
      }),
    read: (sessionId, afterId, maxMessages) => selectPage.all(sessionId, afterId, maxMessages),
    check() {
      if (lastFailure) throw lastFailure;
    },
    get waitingBytes() {
      return waitingBytes;
    },
    async [Symbol.asyncDispose]() {
      await settled((done) => next.done.push(done));
      clearTimeout(ackTimer);
      worker.removeAllListeners('exit');
      const ended = once(worker, 'exit');
      worker.postMessage('close');
      await ended;
      reader.close();
    },
  };
}

type Pending = {
  sessions: SessionRow[];
  retained: RetainedRow[];
  deliveredUpTo: Map<number, number>;
  delivered: [sessionId: number, id: number][];
  removedSessions: number[];
  done: Done[];
  /** Somebody waits for this commit. */
  urgent: boolean;
};
const createPending = (): Pending => ({
  sessions: [],
  retained: [],
  deliveredUpTo: new Map(),
  delivered: [],
  removedSessions: [],
  done: [],
  urgent: false,
});

const hasDeliveries = ({ deliveredUpTo, delivered }: Pending): boolean => deliveredUpTo.size + delivered.length > 0;

const sizeOf = ({ topic, payload }: { topic: string; payload: Buffer }): number => topic.length + payload.length;

function readAll(db: Sqlite.Database) {
  const filters = db.prepare<[number], { filter: string; qos: number }>(
    'select filter, qos from session_filters where session_id = ?',
  );
  const waiting = db.prepare<[number], { messages: number; bytes: number; maxId: number }>(
    `select count(*) as messages, coalesce(sum(length(topic) + length(payload)), 0) as bytes, coalesce(max(id), 0) as maxId
     from journal_queue where session_id = ?`,
  );
  let maxId = 0;
  let waitingBytes = 0;
  const rows = db
    .prepare<[], { id: number; client_id: string; seen_at: number }>(
      'select id, client_id, seen_at from sessions order by id',
    )
    .all();
  const sessions = rows.map(({ id, client_id, seen_at }) => {
    const queue = waiting.get(id) ?? { messages: 0, bytes: 0, maxId: 0 };
    maxId = Math.max(maxId, queue.maxId);
    waitingBytes += queue.bytes;
    const stored = filters.all(id).map(({ filter, qos }) => [filter, qos] as const);
    return { id, clientId: client_id, seenAt: seen_at, filters: stored, waitingMessages: queue.messages };
  });
  const retained = db.prepare<[], RetainedRow>('select topic, payload, qos from retained order by topic').all();
  return { sessions, retained, maxId, waitingBytes };
}
