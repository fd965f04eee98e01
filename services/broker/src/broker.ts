import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '@sgp/service-kit/log';
import { topics } from '@sgp/shared/topics';
import { Aedes, type AedesOptions } from 'aedes';
import mqemitter from 'mqemitter';
import type { Credential, CredentialStore } from './accounts/credential-store.ts';
import { createFailedLogins } from './accounts/failed-logins.ts';
import { devicesOf, replaceCredentials } from './accounts/replace-credentials.ts';
import { createAcl } from './acl.ts';
import { brokerLimits } from './broker-limits.ts';
import { createPresence } from './bus/presence.ts';
import { createRefusals } from './bus/refusals.ts';
import type { AedesClient } from './front/aedes-client.ts';
import { type Connection, type Connections, createConnections, newConnection } from './front/connections.ts';
import { guardClient } from './front/guard-client.ts';
import { createHooks } from './front/hooks.ts';
import { createPublishGate } from './front/publish-gate.ts';
import { watchConnections } from './front/watch-connections.ts';
import type { BrokerMetrics } from './metrics.ts';
import { createPersistence } from './persistence/aedes-persistence.ts';
import { createDurableSessions, type DurableSessions } from './persistence/durable-sessions.ts';
import type { Journal } from './persistence/journal.ts';
import { createPublishing } from './persistence/publishing.ts';

export type BrokerDeps = {
  readonly est: string;
  readonly journal: Journal;
  readonly credentials: CredentialStore;
  readonly serviceAccounts: ReadonlyMap<string, string>;
  readonly metrics: BrokerMetrics;
  readonly log: Log;
};
export type ConnectionSource = Pick<Connection, 'remoteAddress' | 'transport'> & { readonly request?: IncomingMessage };
export type Broker = AsyncDisposable & {
  /** Takes over a connection that a listener accepted. */
  accept(conn: Duplex, source: ConnectionSource): void;
  /** Replaces all credentials of machines; who may not stay is cut and its session forgotten when this resolves. */
  replaceCredentials(credentials: readonly Credential[]): Promise<{ readonly revoked: number }>;
  readonly connections: Connections;
  readonly durable: DurableSessions;
};

/** aedes with SGP's identities, rules and journal around it. */
export async function createBroker(deps: BrokerDeps): Promise<Broker> {
  const { est, journal, credentials, metrics, log } = deps;
  const connections = createConnections();
  const acl = createAcl(est);
  const durable = createDurableSessions(journal);
  const publishing = createPublishing({ journal, durable, metrics, log });
  const persistence = createPersistence({
    durable,
    journal,
    journaled: publishing.journaled,
    identityOf: (client) => connections.of(client)?.identity ?? null,
    acl,
    onDropped: () => metrics.dropped.inc(),
  });
  const publishOwn = (topic: string, message: unknown, { retain = false } = {}): void =>
    publishing.publishOwn(aedes, { topic, payload: Buffer.from(JSON.stringify(message)), retain });
  const refusals = createRefusals({ log, metrics, publish: (refusal) => publishOwn(topics.refused(est), refusal) });
  const gate = createPublishGate({ acl, metrics, refusals });
  const presence = createPresence({
    est,
    publish: publishOwn,
    isRegistered: (username) => credentials.secretsOf(username).length > 0,
  });
  const authentication = { ...deps, failedLogins: createFailedLogins() };
  const hooks = createHooks({ connections, authentication, acl, gate, publishing, persistence, refusals });
  const aedes: Aedes = new Aedes({ ...aedesSettings(), persistence, ...hooks });
  // aedes drops whatever reaches a client out of the order of its counter, for the sake of clusters: a retained message and
  // the next one of the same read do. The hook `authorizeForward` keeps what is right of it.
  const noDuplicates = Object.create(null, { [aedes.id]: { get: () => 0, set: () => undefined } });
  watchConnections({ aedes, connections, durable, presence, refusals, log });
  await aedes.listen();
  presence.started(devicesOf(credentials.usernames));
  const sweep = setInterval(() => {
    for (const clientId of durable.expired(Date.now())) {
      log.warn({ clientId }, 'a durable session that nobody used was dropped with its messages');
      persistence.cleanSubscriptions({ id: clientId }).catch((err: unknown) => log.error({ err }, 'could not drop it'));
    }
  }, brokerLimits.sessionSweepMs);

  return {
    connections,
    durable,
    accept(conn, { remoteAddress, transport, request }) {
      const client = aedes.handle(conn, request) as AedesClient;
      client.duplicates = noDuplicates;
      const connection = newConnection(client, remoteAddress, transport);
      connections.add(connection);
      conn.once('close', () => connections.remove(connection));
      guardClient(client, (packet) => {
        if (packet.cmd === 'connect') {
          connection.claimedClientId = packet.clientId;
          connection.claimedUsername = packet.username ?? null;
        }
        return gate.admit(connection, packet);
      });
    },
    replaceCredentials: (next) => replaceCredentials({ est, credentials, connections, persistence, presence }, next),
    async [Symbol.asyncDispose]() {
      clearInterval(sweep);
      await new Promise<void>((resolve) => {
        setTimeout(resolve, brokerLimits.closeMaxMs).unref();
        aedes.close(() => resolve());
      });
    },
  };
}

const aedesSettings = (): AedesOptions => ({
  // Sorts by the time of the start; a repeated id would suppress the wills of those who died with the last process.
  id: `${Date.now().toString().padStart(15, '0')}-${randomUUID()}`,
  // Without a bound mqemitter keeps no queue of its own: its queue runs by recursion and overflows the stack. What waits
  // is bounded by the publishers, each of which is read again only when its last read was dealt with.
  mq: mqemitter({ concurrency: 0, matchEmptyLevels: true }),
  connectTimeout: brokerLimits.connectMaxMs,
  drainTimeout: brokerLimits.subscriberStallMaxMs,
  queueLimit: brokerLimits.packetsBeforeConnackMax,
});
