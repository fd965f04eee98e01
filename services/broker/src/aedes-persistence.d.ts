declare module 'aedes-persistence/asyncPersistence.js' {
  import type { Readable } from 'node:stream';
  import type { AedesPublishPacket } from 'aedes';

  type ClientRef = { readonly id: string };
  type StoredPacket = Pick<AedesPublishPacket, 'cmd' | 'topic' | 'qos' | 'retain' | 'dup'> & {
    payload: string | Uint8Array;
  };

  /** The part of aedes-persistence 11.0.0's memory store that the broker builds on; the package types only its callback face. */
  export default class MemoryPersistence {
    setup(broker: unknown): Promise<void>;
    storeRetained(packet: StoredPacket): Promise<void>;
    addSubscriptions(client: ClientRef, subs: readonly { topic: string; qos: number }[]): Promise<void>;
    removeSubscriptions(client: ClientRef, filters: readonly string[]): Promise<void>;
    cleanSubscriptions(client: ClientRef): Promise<void>;
    outgoingEnqueueCombi(subs: readonly { clientId: string }[], packet: StoredPacket): Promise<void>;
    outgoingStream(client: ClientRef): Readable;
    outgoingClearMessageId(client: ClientRef, packet: { messageId?: number }): Promise<StoredPacket | undefined>;
    incomingGetPacket(client: ClientRef, packet: { messageId?: number }): Promise<StoredPacket>;
    cleanIncoming(client: ClientRef): Promise<void>;
  }
}
