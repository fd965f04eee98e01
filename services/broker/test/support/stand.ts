import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@sgp/auth/digest';
import { listen } from '@sgp/service-kit/http-server';
import { createLog } from '@sgp/service-kit/log';
import { createMetrics } from '@sgp/service-kit/metrics';
import type { ErrorCode } from '@sgp/shared/errors';
import { onlineSchema, type Refusal, refusalSchema } from '@sgp/shared/floor-messages';
import { topics } from '@sgp/shared/topics';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { createCredentialStore } from '../../src/accounts/credential-store.ts';
import { createApp } from '../../src/app.ts';
import { createBroker } from '../../src/broker.ts';
import { databaseFile, openBrokerDatabase } from '../../src/db.ts';
import { listenMqtt, listenWebSocket } from '../../src/listeners.ts';
import { createBrokerMetrics, observeBroker } from '../../src/metrics.ts';
import { openJournal } from '../../src/persistence/journal.ts';

export const est = 'demo';
export const servicePassword = 'service-secret';
export const adminToken = 'admin-token';
const services = ['_broker', '_production-api', '_bridge', '_media-sync'];

/** The whole broker in this process, on free ports and a fresh folder, with the machines `m1` and `m2`. */
export async function startStand() {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sgp-broker-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const log = createLog('broker', 'silent');
  const metrics = createMetrics('broker');
  const brokerMetrics = createBrokerMetrics(metrics);
  const databaseUrl = `sqlite:${join(folder, 'broker.db')}`;
  const db = stack.use(await openBrokerDatabase(databaseUrl));
  const credentials = await createCredentialStore(db);
  const observeCommit = (messages: number, seconds: number): void => {
    brokerMetrics.commitMessages.observe(messages);
    brokerMetrics.commitSeconds.observe(seconds);
  };
  const onFailure = (error: Error): void => {
    throw error;
  };
  const journal = stack.use(await openJournal({ file: databaseFile(databaseUrl), observeCommit, onFailure }));
  const serviceAccounts = new Map(services.map((name) => [name, sha256Hex(servicePassword)]));
  const broker = stack.use(
    await createBroker({ est, journal, credentials, serviceAccounts, metrics: brokerMetrics, log }),
  );
  observeBroker(metrics, { ...broker, waitingBytes: () => journal.waitingBytes });
  const app = createApp({ est, adminToken, broker, checkJournal: journal.check, metrics, log });
  const http = stack.use(await listen(app, { host: '127.0.0.1', port: 0 }));
  const mqtt = stack.use(await listenMqtt(broker, { host: '127.0.0.1', port: 0 }));
  const webSocket = stack.use(await listenWebSocket(broker, { host: '127.0.0.1', port: 0 }));
  await broker.replaceCredentials([credential('m1'), credential('m2')]);

  const url = `mqtt://127.0.0.1:${mqtt.port}`;
  const keep = (client: MqttClient): MqttClient => {
    client.on('error', () => undefined);
    stack.defer(() => client.endAsync(true));
    return client;
  };
  const connectAs = async (username: string, password: string, options: IClientOptions = {}): Promise<MqttClient> =>
    keep(
      await connectAsync(
        url,
        { clientId: username, username, password, protocolVersion: 4, reconnectPeriod: 0, ...options },
        false,
      ),
    );
  return {
    url,
    port: mqtt.port,
    webSocketUrl: `ws://127.0.0.1:${webSocket.port}`,
    adminUrl: http.url,
    broker,
    folder,
    connectAs,
    connectDevice: (device: string, options?: IClientOptions) =>
      connectAs(`${est}.${device}`, secretOf(device), options),
    connectService: (username = '_production-api', options?: IClientOptions) =>
      connectAs(username.split(':')[0] ?? username, servicePassword, { clientId: username, ...options }),
    /** Value of a counter or gauge, or 0. */
    async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
      const found = await metrics.registry.getSingleMetric(name)?.get();
      const matches = ({ labels: have }: { labels: object }): boolean =>
        Object.entries(labels).every(([key, value]) => (have as Record<string, unknown>)[key] === value);
      return found?.values.filter(matches).reduce((sum, { value }) => sum + value, 0) ?? 0;
    },
    admin: (path: string, init: RequestInit = {}) =>
      fetch(`${http.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', ...init.headers },
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
export type Stand = Awaited<ReturnType<typeof startStand>>;

export const secretOf = (device: string): string => `secret-of-${device}`;
export const credential = (device: string, secrets: readonly string[] = [secretOf(device)]) => ({
  username: `${est}.${device}`,
  secretSha256: secrets.map((secret) => sha256Hex(secret)),
});

export const closing = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    client.once('close', () => resolve());
  });

/** Everything a client hears, with a promise for the first message that fits. */
export async function listenTo(client: MqttClient, filter: string, qos: 0 | 1 = 1) {
  const heard: { topic: string; text: string; retain: boolean }[] = [];
  const waiting = new Set<() => void>();
  client.on('message', (topic, payload, { retain }) => {
    heard.push({ topic, text: payload.toString(), retain });
    for (const check of waiting) check();
  });
  await client.subscribeAsync(filter, { qos });
  return {
    heard,
    /** Resolves with the first message, past ones included, that fits; the test's own timeout bounds the wait. */
    first: (fits: (message: { topic: string; text: string; retain: boolean }) => boolean) =>
      new Promise<{ topic: string; text: string; retain: boolean }>((resolve) => {
        const check = (): void => {
          const found = heard.find(fits);
          if (!found) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Hears refusals as the production API does. */
export async function watchRefusals(stand: Stand) {
  const ears = await listenTo(await stand.connectService('_production-api:refusals'), topics.refused(est));
  return {
    all: (): Refusal[] => ears.heard.map(({ text }) => refusalSchema.parse(JSON.parse(text))),
    first: async (code: ErrorCode): Promise<Refusal> => {
      const { text } = await ears.first((message) => JSON.parse(message.text).code === code);
      return refusalSchema.parse(JSON.parse(text));
    },
  };
}

/** Hears `online` of one machine. */
export async function watchOnline(stand: Stand, device: string) {
  const ears = await listenTo(await stand.connectService('_production-api:online'), topics.online(est, device));
  return {
    all: () => ears.heard.map(({ text }) => onlineSchema.parse(JSON.parse(text))),
    first: async (online: boolean, reason?: string) => {
      const { text, retain } = await ears.first((message) => {
        const state = onlineSchema.parse(JSON.parse(message.text));
        return state.online === online && (reason === undefined || state.reason === reason);
      });
      return { ...onlineSchema.parse(JSON.parse(text)), retain };
    },
  };
}
