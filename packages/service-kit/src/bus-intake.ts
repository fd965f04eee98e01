import { limits } from '@sgp/shared/limits';
import type { Log } from './log.ts';

export type BusMessage = {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  /** Milliseconds since 1970, our clock, when the message was read from the socket. */
  readonly receivedAt: number;
};

/** One TCP connection of the persistent session. It ends once, with a reason, and is not used again. */
export type Session = {
  readonly ended: Promise<string>;
  pause(paused: boolean): void;
  acknowledge(messageIds: readonly number[]): void;
  end(reason: string): void;
  /** Says DISCONNECT (MQTT 3.1.1 §3.14) after everything written before. */
  leave(): void;
};

export type Entry = {
  readonly message: BusMessage;
  /** Null for QoS 0, which nobody sends again. */
  readonly messageId: number | null;
  readonly session: Session;
  /** Of the monotonic clock: the wall clock may be set back while a message waits. */
  readonly since: number;
};

export type IntakeOptions = {
  readonly maxBatchMessages: number;
  /** A message waits at most this long, in milliseconds, for others to share its commit. */
  readonly maxDelayMs: number;
  /**
   * Stores the batch; the broker is acknowledged after it resolves. After a rejection the batch is kept and tried again,
   * and what was stored of it comes once more: store it idempotently.
   */
  readonly commit: (batch: readonly BusMessage[]) => Promise<void>;
  /** While commits fail this much is held; beyond it QoS 0 is left out and QoS 1 stays at the broker. */
  readonly maxHeldMessages: number;
  readonly maxHeldBytes: number;
  /** Hears how many QoS 0 messages were left out: nobody sends them again. */
  readonly dropped?: (messages: number) => void;
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>;
};

const bytesOf = ({ message }: Entry): number => message.topic.length + message.payload.length;

/**
 * Gathers messages into batches and commits one batch at a time, so that order holds. A batch that could not be stored
 * stays in front and is tried again ever more slowly, while what comes is held behind it up to a limit.
 */
export function createIntake(options: IntakeOptions) {
  const { maxBatchMessages, commit, log } = options;
  let waiting: Entry[] = [];
  let committing: readonly Entry[] = [];
  /** Of both. */
  let heldBytes = 0;
  /** Commits that failed since the last one that did not, and the wait before the next try. */
  let failures = 0;
  let retryMs = 0;
  let droppedCount = 0;
  let draining = false;
  let working: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  const ended = new WeakSet<Session>();

  const hold = (inCommit: readonly Entry[], behind: Entry[]): void => {
    committing = inCommit;
    waiting = behind;
    heldBytes = [...inCommit, ...behind].reduce((sum, entry) => sum + bytesOf(entry), 0);
  };
  const isFull = (): boolean =>
    waiting.length + committing.length >= options.maxHeldMessages || heldBytes >= options.maxHeldBytes;
  /** The broker sends it again to the next connection; QoS 0 stays, because nobody sends it again. */
  const comesAgain = ({ session, messageId }: Entry): boolean => messageId !== null && ended.has(session);
  const drop = (count: number): void => {
    if (count === 0) return;
    if (droppedCount === 0) log.warn({ held: waiting.length }, 'bus messages of QoS 0 are left out: too many are held');
    droppedCount += count;
    options.dropped?.(count);
  };
  const succeeded = (): void => {
    if (failures > 0) log.info({ failures, dropped: droppedCount }, 'bus batches are stored again');
    failures = 0;
    retryMs = 0;
    droppedCount = 0;
  };
  const failed = (batch: readonly Entry[], err: unknown): void => {
    failures += 1;
    retryMs = Math.min(Math.max(limits.busRetryMinMs, retryMs * 2), limits.busRetryMaxMs);
    // A database that is away for a minute is one line in the log, not one for each try.
    const level = failures === 1 ? 'warn' : 'debug';
    log[level]({ err, messages: batch.length, failures }, 'bus batch was not stored; it is kept and tried again');
    hold(
      [],
      [...batch, ...waiting].filter((entry) => !comesAgain(entry)),
    );
    // Only reading on can take in QoS 0; a paused connection would leave it to the sockets.
    if (!isFull()) waiting.at(-1)?.session.pause(false);
    if (!draining) return;
    // The end of the process is the last try.
    drop(waiting.filter(({ messageId }) => messageId === null).length);
    hold([], []);
  };
  const work = async (): Promise<void> => {
    const batch = waiting.slice(0, maxBatchMessages);
    hold(batch, waiting.slice(maxBatchMessages));
    try {
      await commit(batch.map(({ message }) => message));
      hold([], waiting);
      acknowledge(batch);
      succeeded();
    } catch (err) {
      failed(batch, err);
    }
    working = null;
    if (!draining && waiting.length <= maxBatchMessages) (waiting.at(-1) ?? batch.at(-1))?.session.pause(false);
    schedule();
  };
  const start = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (!working && waiting.length > 0) working = work();
  };
  const schedule = (): void => {
    const first = waiting[0];
    if (working || !first) return;
    const waitMs = failures > 0 ? retryMs : first.since + options.maxDelayMs - performance.now();
    if (failures === 0 && (waiting.length >= maxBatchMessages || waitMs <= 0)) start();
    else timer ??= setTimeout(start, waitMs);
  };

  return {
    add(entry: Entry): void {
      if (failures > 0 && isFull()) {
        if (entry.messageId === null) {
          drop(1);
          return;
        }
        entry.session.pause(true);
      }
      waiting.push(entry);
      heldBytes += bytesOf(entry);
      if (failures === 0 && waiting.length + committing.length > 2 * maxBatchMessages) entry.session.pause(true);
      schedule();
    },
    forget(session: Session): void {
      ended.add(session);
      hold(
        committing,
        waiting.filter((entry) => !comesAgain(entry)),
      );
    },
    /** Commits everything that is in hand and reads no more. */
    async drain(): Promise<void> {
      draining = true;
      while (working || waiting.length > 0) {
        start();
        await working;
      }
    },
  };
}

function acknowledge(batch: readonly Entry[]): void {
  const ids = new Map<Session, number[]>();
  for (const { session, messageId } of batch) {
    if (messageId === null) continue;
    const known = ids.get(session);
    if (known) known.push(messageId);
    else ids.set(session, [messageId]);
  }
  for (const [session, messageIds] of ids) session.acknowledge(messageIds);
}
