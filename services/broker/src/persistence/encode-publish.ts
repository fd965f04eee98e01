import type { StoredMessage } from './journal.ts';

/** Length of the variable-length field (MQTT 3.1.1 §2.2.3); our packets stay far below its four bytes. */
const lengthBytes = (length: number): number => (length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4);

export const publishBytes = ({ topic, payload }: StoredMessage): number => {
  const remaining = 4 + Buffer.byteLength(topic) + payload.length;
  return 1 + lengthBytes(remaining) + remaining;
};

/** Encodes PUBLISH packets of QoS 1 (§3.3) back to back, so that many leave in one write. */
export function encodePublishes(
  messages: readonly { readonly message: StoredMessage; readonly messageId: number }[],
  dup: boolean,
): Buffer {
  let size = 0;
  for (const { message } of messages) size += publishBytes(message);
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { message, messageId } of messages) {
    const topicBytes = Buffer.byteLength(message.topic);
    let remaining = 4 + topicBytes + message.payload.length;
    at = buffer.writeUInt8(dup ? 0x3a : 0x32, at);
    do {
      at = buffer.writeUInt8((remaining % 128) | (remaining >= 128 ? 0x80 : 0), at);
      remaining = Math.floor(remaining / 128);
    } while (remaining > 0);
    at = buffer.writeUInt16BE(topicBytes, at);
    at += buffer.write(message.topic, at);
    at = buffer.writeUInt16BE(messageId, at);
    at += message.payload.copy(buffer, at);
  }
  return buffer;
}
