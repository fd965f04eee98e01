import { parseDeviceUsername, topics } from '@sgp/shared/topics';
import type { Presence } from '../bus/presence.ts';
import type { Connection, Connections } from '../front/connections.ts';
import type { BrokerPersistence } from '../persistence/aedes-persistence.ts';
import type { Credential, CredentialStore } from './credential-store.ts';

export type ReplaceDeps = {
  readonly est: string;
  readonly credentials: CredentialStore;
  readonly connections: Connections;
  readonly persistence: Pick<BrokerPersistence, 'purge' | 'forgetRetained'>;
  readonly presence: Pick<Presence, 'started'>;
};

/**
 * Replaces the machines' credentials (SECURITY D4). Who connected with a secret that is not accepted any more is cut, and its
 * session is forgotten; who is not registered any more leaves no retained message behind. A second secret that is added
 * or taken away disturbs nobody who connected with the other.
 */
export async function replaceCredentials(
  { est, credentials, connections, persistence, presence }: ReplaceDeps,
  next: readonly Credential[],
): Promise<{ readonly revoked: number }> {
  const before = new Map(credentials.usernames.map((username) => [username, credentials.secretsOf(username)]));
  await credentials.replace(next);
  const cut = [...connections.accepted].filter(
    ({ identity, secretSha256 }) =>
      identity?.kind === 'device' && !credentials.secretsOf(identity.username).includes(secretSha256 ?? ''),
  );
  await Promise.all(cut.map(revoke));
  const changed = [...before].filter(
    ([username, secrets]) => !secrets.some((secret) => credentials.secretsOf(username).includes(secret)),
  );
  for (const clientId of new Set([...changed.map(([username]) => username), ...cut.map(({ client }) => client.id)]))
    await persistence.purge(clientId);
  for (const device of devicesOf([...before.keys()].filter((name) => credentials.secretsOf(name).length === 0))) {
    await persistence.forgetRetained(topics.online(est, device));
    await persistence.forgetRetained(topics.up(est, device, 'state'));
  }
  presence.started(devicesOf(credentials.usernames.filter((username) => !before.has(username))));
  return { revoked: cut.length };
}

export const devicesOf = (usernames: readonly string[]): string[] =>
  usernames.flatMap((username) => parseDeviceUsername(username)?.device ?? []);

/** Cuts a connection whose credentials ended; its will is not published, because nothing of it is accepted any more. */
async function revoke(connection: Connection): Promise<void> {
  const { client } = connection;
  connection.endReason = 'revoked';
  client.will = null;
  await new Promise<void>((resolve) => {
    client.close(resolve);
  });
}
