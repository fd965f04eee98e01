import { AppError } from '@sgp/shared/errors';
import type { AedesOptions, Client, Subscription } from 'aedes';
import { type AuthenticateDeps, authenticate } from '../accounts/authenticate.ts';
import type { Identity } from '../accounts/identity.ts';
import type { Acl } from '../acl.ts';
import { brokerLimits } from '../broker-limits.ts';
import type { Refusals, RefusedThing } from '../bus/refusals.ts';
import type { BrokerPersistence } from '../persistence/aedes-persistence.ts';
import type { Publishing } from '../persistence/publishing.ts';
import type { Connection, Connections } from './connections.ts';
import type { PublishGate } from './publish-gate.ts';

export type HookDeps = {
  readonly connections: Connections;
  readonly authentication: AuthenticateDeps;
  readonly acl: Acl;
  readonly gate: PublishGate;
  readonly publishing: Publishing;
  readonly persistence: BrokerPersistence;
  readonly refusals: Refusals;
};
type Hooks = Required<
  Pick<AedesOptions, 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
>;

/** What aedes asks before it lets a client do something. */
export function createHooks(deps: HookDeps): Hooks {
  const { connections, acl, gate, publishing, refusals } = deps;
  return {
    authenticate(client, username, password, done) {
      const connection = connections.of(client);
      if (!connection || client.closed) {
        done(null, false);
        return;
      }
      const fault = admit(connection, deps, { username, password });
      if (!fault) {
        const present = [...connections.accepted].find((other) => other.client.id === client.id);
        if (present) present.endReason ??= 'taken-over';
        connections.accept(connection);
      }
      if (fault) refusals.report(connection, fault.code, fault.message, fault.details as RefusedThing);
      // A plain error: it only carries the code of the CONNACK, the refusal is told already.
      done(fault && Object.assign(new Error(fault.message), { returnCode: fault.returnCode }), fault === null);
    },
    authorizePublish(client, packet, done) {
      const connection = client ? connections.of(client) : undefined;
      // A null client is aedes' sweep of wills whose owner is unknown: nobody answers for them.
      if (!client || !connection?.identity) {
        done(new AppError('MQTT_TOPIC_FORBIDDEN', 'nobody published this'));
        return;
      }
      try {
        gate.check(connection.identity, packet);
      } catch (error) {
        done(error as Error);
        return;
      }
      gate.pace(connection, packet, () => publishing.store(client, packet, deps.persistence, done));
    },
    authorizeSubscribe(client, subscription, done) {
      const connection = connections.of(client);
      const fault = connection
        ? (subscriptionFault(acl, connection.identity, client, subscription) ?? filterFault(connection, subscription))
        : 'unknown connection';
      if (connection && fault)
        refusals.report(connection, 'MQTT_TOPIC_FORBIDDEN', fault, { topic: subscription.topic });
      // Without a subscription the SUBACK says 0x80 for this filter (MQTT 3.1.1 §3.9.3).
      done(null, fault ? null : subscription);
    },
    authorizeForward(client, packet) {
      const connection = connections.of(client);
      if (!connection?.identity || !acl.mayReceive(connection.identity, packet.topic)) return null;
      // Two filters of one client that match the same message are served one right after the other.
      if (connection.lastForwarded === packet.brokerCounter) return null;
      connection.lastForwarded = packet.brokerCounter;
      return publishing.goesThroughJournal(client, packet) ? null : packet;
    },
  };
}

/** Authenticates, and checks the will with the rules of a publish. @returns what the CONNECT is refused with, or null */
function admit(
  connection: Connection,
  { authentication, gate }: Pick<HookDeps, 'authentication' | 'gate'>,
  claim: { username: string | undefined; password: Buffer | undefined },
): (AppError & { returnCode: number }) | null {
  const { client, remoteAddress } = connection;
  const result = authenticate(authentication, { ...claim, clientId: client.id, remoteAddress });
  if ('code' in result)
    return Object.assign(new AppError(result.code, result.message), { returnCode: result.returnCode });
  try {
    if (client._will) gate.check(result.identity, client._will);
  } catch (error) {
    // CONNACK 5: not authorized.
    return Object.assign(error as AppError, { returnCode: 5 });
  }
  connection.identity = result.identity;
  connection.secretSha256 = result.secretSha256;
  return null;
}

/** What a machine may make the broker remember; services have their few filters in their code. */
function filterFault({ identity, filters }: Connection, { topic }: Subscription): string | null {
  if (identity?.kind !== 'device') return null;
  if (topic.length > brokerLimits.deviceFilterMaxChars) return 'the filter is too long';
  if (!filters.has(topic) && filters.size >= brokerLimits.deviceFiltersMax) return 'too many filters in one connection';
  filters.add(topic);
  return null;
}

function subscriptionFault(
  acl: Acl,
  identity: Identity | null,
  client: Client,
  { topic, qos }: Subscription,
): string | null {
  if (!identity || !acl.maySubscribe(identity, topic)) return 'the filter reaches topics of others';
  // The journal delivers with QoS 1; a QoS that is not kept is not granted.
  const durable = identity.kind === 'service' && !client.clean;
  return durable && qos === 2 ? 'a durable session subscribes with QoS 0 or 1' : null;
}
