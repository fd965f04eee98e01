import { type Route, route } from '@sgp/service-kit/route';
import { sha256HexSchema } from '@sgp/shared/ids';
import { parseDeviceUsername } from '@sgp/shared/topics';
import * as z from 'zod';
import type { Broker } from '../broker.ts';

const credentialsSchema = (est: string) =>
  z.object({
    credentials: z
      .array(
        z.object({
          username: z.string().refine((name) => parseDeviceUsername(name)?.est === est, `must be ${est}.{device}`),
          secretSha256: z.array(sha256HexSchema).min(1).max(2),
        }),
      )
      .refine((all) => new Set(all.map(({ username }) => username)).size === all.length, 'a user name comes twice'),
  });

const clientsSchema = z.object({
  clients: z.array(
    z.object({
      clientId: z.string(),
      username: z.string(),
      kind: z.enum(['device', 'service']),
      transport: z.enum(['tcp', 'websocket']),
      remoteAddress: z.string(),
      /** Milliseconds since 1970. */
      connectedAt: z.number(),
      clean: z.boolean(),
    }),
  ),
  /** Persistent sessions of services, with what each still has to receive. */
  sessions: z.array(
    z.object({
      clientId: z.string(),
      connected: z.boolean(),
      filters: z.array(z.string()),
      waitingMessages: z.number(),
    }),
  ),
});

/** What the production API and the launcher ask of the broker. All of it needs the administrator's token. */
export function adminRoutes({ est, broker }: { readonly est: string; readonly broker: Broker }): readonly Route[] {
  return [
    route(
      {
        method: 'PUT',
        path: '/v1/credentials',
        summary: 'Replaces the credentials of all machines; who may not stay is cut before this answers',
        tag: 'admin',
        access: 'admin',
        body: credentialsSchema(est),
        answer: z.object({ revoked: z.number() }),
      },
      ({ body }) => broker.replaceCredentials(body.credentials),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/clients',
        summary: 'Connections and durable sessions as they are now',
        tag: 'admin',
        access: 'admin',
        answer: clientsSchema,
      },
      () => ({ clients: clientsOf(broker), sessions: sessionsOf(broker) }),
    ),
  ];
}

const clientsOf = ({ connections }: Broker) =>
  [...connections.accepted].flatMap(({ client, identity, transport, remoteAddress, openedAt }) =>
    identity
      ? [
          {
            clientId: client.id,
            username: identity.username,
            kind: identity.kind,
            transport,
            remoteAddress,
            connectedAt: openedAt,
            clean: client.clean,
          },
        ]
      : [],
  );

const sessionsOf = ({ durable }: Broker) =>
  durable.all.map(({ clientId, connected, waitingMessages }) => ({
    clientId,
    connected,
    waitingMessages,
    filters: [...durable.filtersOf(clientId).keys()],
  }));
