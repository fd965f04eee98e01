import type { Log } from '@sgp/service-kit/log';
import type { Aedes, Client } from 'aedes';
import type { Presence } from '../bus/presence.ts';
import type { Refusals, RefusedThing } from '../bus/refusals.ts';
import type { DurableSessions } from '../persistence/durable-sessions.ts';
import type { AedesClient } from './aedes-client.ts';
import type { Connections } from './connections.ts';
import { endOf } from './end-of-connection.ts';

export type WatchDeps = {
  readonly aedes: Aedes;
  readonly connections: Connections;
  readonly durable: DurableSessions;
  readonly presence: Presence;
  readonly refusals: Refusals;
  readonly log: Log;
};

/** Follows every connection from its CONNACK to its end: durable sessions, presence, refusals, log. */
export function watchConnections({ aedes, connections, durable, presence, refusals, log }: WatchDeps): void {
  const touch = ({ id }: Client): void => {
    durable.touch(id).catch((err: unknown) => log.error({ err }, 'could not note the use of a session'));
  };
  // Before the CONNACK, because a client may be sent retained messages right after it.
  aedes.on('client', (client) => durable.find(client.id)?.prepare(client as AedesClient));
  aedes.on('clientReady', (client) => {
    const connection = connections.of(client);
    if (!connection) return;
    durable.find(client.id)?.attach(client as AedesClient);
    touch(client);
    log.info({ clientId: client.id, remoteAddress: connection.remoteAddress }, 'client connected');
    presence.connected(connection);
  });
  aedes.on('keepaliveTimeout', (client) => {
    const connection = connections.of(client);
    if (connection) connection.endReason ??= 'keepalive-timeout';
  });
  aedes.on('clientDisconnect', (client) => {
    const connection = connections.of(client);
    durable.find(client.id)?.detach(client as AedesClient);
    if (!connection || aedes.closed) return;
    connections.remove(connection);
    connection.endReason ??= (client as AedesClient)._disconnected ? 'disconnected' : 'connection-lost';
    touch(client);
    log.info({ clientId: client.id, reason: connection.endReason }, 'client gone');
    // A machine whose new connection took this one over never was offline.
    if (connection.endReason !== 'taken-over') presence.ended(connection);
  });
  const reported = new WeakSet<Error>();
  const onError = (client: Client, error: Error): void => {
    const connection = connections.of(client);
    if (!connection || reported.has(error)) return;
    reported.add(error);
    const refusal = endOf(error);
    if (!refusal) {
      log.debug({ err: error, remoteAddress: connection.remoteAddress }, 'connection error');
      return;
    }
    connection.endReason ??= 'refused';
    refusals.report(connection, refusal.code, refusal.message, refusal.details as RefusedThing);
  };
  aedes.on('clientError', onError);
  aedes.on('connectionError', onError);
}
