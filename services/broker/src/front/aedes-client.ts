import type { Client, PublishPacket } from 'aedes';
import type { Packet } from 'mqtt-packet';

/**
 * What the broker touches of aedes' client beyond its published types. aedes 1.2.0 is pinned exactly because of this file.
 */
export type AedesClient = Client & {
  readonly _parser: AedesParser;
  readonly connackSent: boolean;
  /** Packets of this client that are being handled. */
  readonly _parsingBatch: number;
  /** True while the CONNECT is being checked. */
  readonly _paused?: boolean;
  /** A valid DISCONNECT came. */
  readonly _disconnected: boolean;
  /** By broker id, the highest counter that was forwarded. */
  duplicates: Record<string, number>;
  /** Next packet identifier that aedes gives to what it sends. */
  _nextId: number;
  readonly _keepaliveTimer: NodeJS.Timeout | null;
  /** The will of the CONNECT, while it is not accepted yet; `will` afterwards. */
  _will: PublishPacket | null;
  will: PublishPacket | null;
};

export type AedesParser = {
  packet: Packet & { length: number };
  parse(chunk: Buffer): void;
  _parseLength(): boolean;
  _emitError(error: Error): void;
  listeners(event: 'packet'): ((this: AedesParser, packet: Packet) => void)[];
  removeAllListeners(event: 'packet'): void;
  on(event: 'packet', listener: (packet: Packet) => void): void;
};
