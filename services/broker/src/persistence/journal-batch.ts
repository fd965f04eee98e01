/**
 * What the journal's worker commits in one transaction. Messages travel packed in one ArrayBuffer that is transferred:
 * cloning each payload would also clone the 64 KiB socket buffer beneath it.
 */
export type JournalBatch = {
  readonly sessions: readonly SessionRow[];
  readonly messages: ArrayBuffer;
  readonly messageCount: number;
  readonly retained: readonly RetainedRow[];
  /** By session: it has everything up to and with this message. */
  readonly deliveredUpTo: ReadonlyMap<number, number>;
  /** Single messages that were acknowledged out of order. */
  readonly delivered: readonly (readonly [sessionId: number, id: number])[];
  readonly removedSessions: readonly number[];
};
/** `filters: null` leaves the stored filters as they are. */
export type SessionRow = {
  readonly id: number;
  readonly clientId: string;
  readonly seenAt: number;
  readonly filters: readonly (readonly [filter: string, qos: number])[] | null;
};
/** An empty payload removes the retained message (MQTT 3.1.1 §3.3.1.3). */
export type RetainedRow = { readonly topic: string; readonly payload: Uint8Array; readonly qos: number };
export type JournalReply = {
  readonly error: { readonly message: string; readonly code: string } | null;
  readonly seconds: number;
};
export type JournalMessage = {
  readonly sessionId: number;
  readonly id: number;
  readonly topic: string;
  readonly payload: Buffer;
};

const headerBytes = 4 + 8 + 2 + 4;

/** Collects messages: u32 session, f64 id, u16 topic length, u32 payload length, topic, payload. */
export function createMessagePacker() {
  let buffer = Buffer.allocUnsafeSlow(64 * 1024);
  let used = 0;
  let count = 0;
  return {
    get count() {
      return count;
    },
    add({ sessionId, id, topic, payload }: JournalMessage): void {
      const topicBytes = Buffer.byteLength(topic);
      const needed = used + headerBytes + topicBytes + payload.length;
      if (needed > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * buffer.length));
        buffer.copy(larger, 0, 0, used);
        buffer = larger;
      }
      used = buffer.writeUInt32BE(sessionId, used);
      used = buffer.writeDoubleBE(id, used);
      used = buffer.writeUInt16BE(topicBytes, used);
      used = buffer.writeUInt32BE(payload.length, used);
      used += buffer.write(topic, used);
      used += payload.copy(buffer, used);
      count += 1;
    },
    /** Hands the packed messages over and begins anew. */
    take(): ArrayBuffer {
      const packed = buffer.buffer as ArrayBuffer;
      buffer = Buffer.allocUnsafeSlow(64 * 1024);
      used = 0;
      count = 0;
      return packed;
    },
  };
}

/** Reads what {@link createMessagePacker} packed. Payloads are views of the buffer. */
export function* unpackMessages(packed: ArrayBuffer, count: number): Generator<JournalMessage> {
  const buffer = Buffer.from(packed);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const topicAt = at + headerBytes;
    const payloadAt = topicAt + buffer.readUInt16BE(at + 12);
    const end = payloadAt + buffer.readUInt32BE(at + 14);
    yield {
      sessionId: buffer.readUInt32BE(at),
      id: buffer.readDoubleBE(at + 4),
      topic: buffer.toString('utf8', topicAt, payloadAt),
      payload: buffer.subarray(payloadAt, end),
    };
    at = end;
  }
}
