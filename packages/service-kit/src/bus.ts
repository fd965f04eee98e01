import type { ServiceStatus } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import { type ServiceName, serviceUsername, topics } from '@sgp/shared/topics';
import { connect, type MqttClient } from 'mqtt';
import type { Log } from './log.ts';
import { version } from './version.ts';

export type BusOptions = {
  /** `mqtt://host:port` of a 3.1.1 broker. */
  readonly url: string;
  readonly service: ServiceName;
  readonly password: string;
  /** Slug of the establishment. */
  readonly est: string;
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>;
};

/**
 * A service's connection to the LAN bus for doorbells, retained statuses and announcements. It comes back by itself. What
 * must not be lost is read through {@link import('./bus-consumer.ts').createBusConsumer} instead.
 */
export type Bus = AsyncDisposable & {
  /**
   * Sends JSON. Resolves when the broker has it (QoS 1) or when it is written out (QoS 0).
   * @throws when the connection is down and `qos` is 0: a doorbell for later is none
   */
  publish(
    topic: string,
    message: unknown,
    options?: { readonly qos?: 0 | 1; readonly retain?: boolean },
  ): Promise<void>;
  /** Hears a filter from now on, also after reconnects. What is not JSON is logged and left out. */
  subscribe(filter: string, hear: (topic: string, message: unknown) => void): Promise<void>;
  /** Called at each connect, the first included. */
  onConnect(listener: () => void): void;
  readonly connected: boolean;
};

const status = (online: boolean): string =>
  JSON.stringify({ online, at: Date.now(), version, pid: process.pid } satisfies ServiceStatus);

/** Does the MQTT filter match the topic? MQTT 3.1.1 §4.7. */
export function topicMatches(filter: string, topic: string): boolean {
  const want = filter.split('/');
  const have = topic.split('/');
  if (topic.startsWith('$') && (want[0] === '+' || want[0] === '#')) return false;
  for (const [index, level] of want.entries()) {
    if (level === '#') return true;
    if (index >= have.length || (level !== '+' && level !== have[index])) return false;
  }
  return want.length === have.length;
}

export function connectBus(options: BusOptions): Bus {
  const username = serviceUsername(options.service);
  const statusTopic = topics.serviceStatus(options.est, options.service);
  const listeners: { filter: string; hear: (topic: string, message: unknown) => void }[] = [];
  const client: MqttClient = connect(options.url, {
    clientId: username,
    username,
    password: options.password,
    protocolVersion: 4,
    clean: true,
    keepalive: 15,
    reconnectPeriod: 500,
    connectTimeout: 5_000,
    will: { topic: statusTopic, payload: Buffer.from(status(false)), qos: 1, retain: true },
  });
  client.on('connect', () => {
    options.log.info('bus connected');
    client.publish(statusTopic, status(true), { qos: 1, retain: true });
  });
  client.on('error', (err) => options.log.warn({ err }, 'bus error'));
  client.on('message', (topic, payload) => {
    const message = parse(payload);
    if (message === undefined) return options.log.warn({ topic }, 'bus message is not JSON');
    for (const { filter, hear } of listeners) if (topicMatches(filter, topic)) hear(topic, message);
  });
  return {
    async publish(topic, message, { qos = 0, retain = false } = {}) {
      if (qos === 0 && !client.connected) throw new Error('the bus is not connected');
      await client.publishAsync(topic, JSON.stringify(message), { qos, retain });
    },
    async subscribe(filter, hear) {
      listeners.push({ filter, hear });
      await client.subscribeAsync(filter, { qos: 1 });
    },
    onConnect(listener) {
      client.on('connect', listener);
      if (client.connected) listener();
    },
    get connected() {
      return client.connected;
    },
    async [Symbol.asyncDispose]() {
      if (client.connected)
        await Promise.race([
          client.publishAsync(statusTopic, status(false), { qos: 1, retain: true }),
          new Promise((done) => setTimeout(done, limits.shutdownMaxMs / 4)),
        ]);
      await client.endAsync(true);
    },
  };
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}
