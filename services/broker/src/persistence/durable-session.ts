import { brokerLimits } from '../broker-limits.ts';
import type { AedesClient } from '../front/aedes-client.ts';
import { encodePublishes, publishBytes } from './encode-publish.ts';
import type { Journal, StoredMessage } from './journal.ts';

/**
 * What a service's persistent session still has to receive, in the order of the journal. It sends a window of messages to
 * the connected client itself, because aedes' own forwarding has no window and drops what reaches it out of order.
 */
export type DurableSession = {
  readonly id: number;
  readonly clientId: string;
  /** A message of this session was committed. */
  committed(message: StoredMessage): void;
  /** Sends what was committed; called once after a group of {@link committed}. */
  pump(): void;
  /** A client takes the session: its packet ids begin after those that are still in flight. */
  prepare(client: AedesClient): void;
  /** Sends again what is in flight (MQTT 3.1.1 §4.4), then goes on. */
  attach(client: AedesClient): void;
  detach(client: AedesClient): void;
  /** @returns the message that the packet id stood for; undefined when it is not ours */
  acknowledge(messageId: number): StoredMessage | undefined;
  readonly waitingMessages: number;
  readonly connected: boolean;
};

export function createDurableSession(
  { id, clientId, waitingMessages }: { id: number; clientId: string; waitingMessages: number },
  journal: Pick<Journal, 'read' | 'acknowledge'>,
): DurableSession {
  /** In the order they were sent. */
  const inFlight = new Map<number, StoredMessage>();
  const ready = createReadyQueue(id, waitingMessages, journal);
  let client: AedesClient | null = null;
  let waitingForDrain = false;

  const takeMessageId = (from: AedesClient): number => {
    let messageId: number;
    do {
      messageId = from._nextId;
      from._nextId = messageId >= 65_535 ? 1 : messageId + 1;
    } while (inFlight.has(messageId));
    return messageId;
  };
  const write = (to: AedesClient, bytes: Buffer): void => {
    if (to.conn.write(bytes)) return;
    waitingForDrain = true;
    to.conn.once('drain', () => {
      if (client !== to) return;
      waitingForDrain = false;
      pump();
    });
  };
  const pump = (): void => {
    while (client && !waitingForDrain) {
      const group: { message: StoredMessage; messageId: number }[] = [];
      let bytes = 0;
      while (inFlight.size < brokerLimits.sessionWindowMessages && bytes < brokerLimits.sessionWriteMaxBytes) {
        const message = ready.take();
        if (!message) break;
        const messageId = takeMessageId(client);
        inFlight.set(messageId, message);
        group.push({ message, messageId });
        bytes += publishBytes(message);
      }
      if (group.length === 0) return;
      write(client, encodePublishes(group, false));
    }
  };

  return {
    id,
    clientId,
    committed: ready.add,
    pump,
    prepare(next) {
      const last = [...inFlight.keys()].at(-1);
      if (last !== undefined) next._nextId = last >= 65_535 ? 1 : last + 1;
    },
    attach(next) {
      if (client === next) return;
      client = next;
      waitingForDrain = false;
      const again = Array.from(inFlight, ([messageId, message]) => ({ messageId, message }));
      if (again.length > 0) write(next, encodePublishes(again, true));
      pump();
    },
    detach(left) {
      if (client === left) client = null;
    },
    acknowledge(messageId) {
      const message = inFlight.get(messageId);
      if (!message) return undefined;
      const oldest = inFlight.keys().next().value === messageId;
      inFlight.delete(messageId);
      journal.acknowledge(id, message, oldest);
      if (inFlight.size <= brokerLimits.sessionWindowMessages / 2) pump();
      return message;
    },
    get waitingMessages() {
      return inFlight.size + ready.length;
    },
    get connected() {
      return client !== null;
    },
  };
}

/** What was taken is let go in pieces of this size. */
const compactAfterMessages = 1_000;

/** Messages not sent yet: the next ones in memory, the rest of a long backlog in the journal. */
function createReadyQueue(sessionId: number, stored: number, journal: Pick<Journal, 'read'>) {
  let messages: StoredMessage[] = [];
  let head = 0;
  let bytes = 0;
  /**
   * Messages that are in the journal only, all of them after `loadedId`. Below zero: so many were read from the journal
   * before their own commit was reported here.
   */
  let behind = stored;
  let loadedId = 0;
  const load = (message: StoredMessage): void => {
    messages.push(message);
    bytes += message.payload.length;
    loadedId = message.id;
  };
  return {
    add(message: StoredMessage): void {
      const full =
        messages.length - head >= brokerLimits.sessionMemoryMaxMessages || bytes >= brokerLimits.sessionMemoryMaxBytes;
      if (behind !== 0 || full) behind += 1;
      else load(message);
    },
    take(): StoredMessage | undefined {
      if (head === messages.length) {
        messages = [];
        head = 0;
        if (behind <= 0) return undefined;
        const page = journal.read(sessionId, loadedId, brokerLimits.sessionPageMessages);
        for (const message of page) load(message);
        behind = page.length === 0 ? 0 : behind - page.length;
      }
      const message = messages[head];
      if (!message) return undefined;
      head += 1;
      if (head >= compactAfterMessages && 2 * head >= messages.length) {
        messages = messages.slice(head);
        head = 0;
      }
      bytes -= message.payload.length;
      return message;
    },
    get length() {
      return messages.length - head + behind;
    },
  };
}
