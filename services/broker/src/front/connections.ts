import type { Client } from 'aedes';
import type { Identity } from '../accounts/identity.ts';
import type { AedesClient } from './aedes-client.ts';

/** Why a connection ended, as the retained `online` message and the log name it. */
export type EndReason = 'disconnected' | 'connection-lost' | 'keepalive-timeout' | 'taken-over' | 'revoked' | 'refused';

/** What the broker knows of one connection, beside aedes' client. */
export type Connection = {
  readonly client: AedesClient;
  readonly remoteAddress: string;
  readonly transport: 'tcp' | 'websocket';
  readonly openedAt: number;
  /** As the CONNECT gave them; never trusted. */
  claimedUsername: string | null;
  claimedClientId: string | null;
  /** Set once the credentials were right. */
  identity: Identity | null;
  /** The stored hash that a machine's password matched. */
  secretSha256: string | null;
  endReason: EndReason | null;
  /** Filters that were granted. */
  readonly filters: Set<string>;
  /** aedes' number of the message that was forwarded last. */
  lastForwarded: number;
};

export type Connections = {
  add(connection: Connection): void;
  of(client: Client): Connection | undefined;
  /** Connections whose credentials were right and that stand. */
  readonly accepted: ReadonlySet<Connection>;
  accept(connection: Connection): void;
  remove(connection: Connection): void;
};

export function createConnections(): Connections {
  const byClient = new WeakMap<object, Connection>();
  const accepted = new Set<Connection>();
  return {
    add: (connection) => {
      byClient.set(connection.client, connection);
    },
    of: (client) => byClient.get(client),
    accepted,
    accept: (connection) => {
      accepted.add(connection);
    },
    remove: (connection) => {
      accepted.delete(connection);
    },
  };
}

export const newConnection = (
  client: AedesClient,
  remoteAddress: string,
  transport: Connection['transport'],
): Connection => ({
  client,
  remoteAddress,
  transport,
  openedAt: Date.now(),
  claimedUsername: null,
  claimedClientId: null,
  identity: null,
  secretSha256: null,
  endReason: null,
  filters: new Set(),
  lastForwarded: 0,
});
