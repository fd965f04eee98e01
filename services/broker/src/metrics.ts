import type { Metrics } from '@sgp/service-kit/metrics';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Connections } from './front/connections.ts';
import type { DurableSessions } from './persistence/durable-sessions.ts';

/** What the broker counts. Labels have few values: a code, a session's name; never a machine's name or a topic. */
export function createBrokerMetrics({ registry }: Metrics) {
  const registers = [registry];
  return {
    refused: new Counter({
      name: 'sgp_broker_refused_total',
      help: 'Connections, subscriptions and messages refused, by error code',
      labelNames: ['code'],
      registers,
    }),
    messages: new Counter({
      name: 'sgp_broker_messages_total',
      help: 'Messages accepted from clients, by QoS',
      labelNames: ['qos'],
      registers,
    }),
    retainStripped: new Counter({
      name: 'sgp_broker_retain_stripped_total',
      help: 'Messages of machines passed on without the retain flag that their topic does not take',
      registers,
    }),
    dropped: new Counter({
      name: 'sgp_broker_dropped_total',
      help: 'Messages not kept for a machine that is away, because its queue is full',
      registers,
    }),
    slowed: new Counter({
      name: 'sgp_broker_slowed_total',
      help: 'Messages of machines held back to the allowed rate',
      registers,
    }),
    commitMessages: new Histogram({
      name: 'sgp_broker_journal_commit_messages',
      help: 'Messages in one commit of the journal',
      buckets: [0, 1, 4, 16, 64, 256, 1024, 4096],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'sgp_broker_journal_commit_seconds',
      help: 'Time of one commit of the journal',
      buckets: [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
      registers,
    }),
  };
}
export type BrokerMetrics = ReturnType<typeof createBrokerMetrics>;

/** Gauges that are read when somebody asks. */
export function observeBroker(
  { registry }: Metrics,
  {
    connections,
    durable,
    waitingBytes,
  }: { connections: Connections; durable: DurableSessions; waitingBytes: () => number },
): void {
  const registers = [registry];
  new Gauge({
    name: 'sgp_broker_connections',
    help: 'Accepted connections that stand, by kind',
    labelNames: ['kind'],
    registers,
    collect() {
      const count = { device: 0, service: 0 };
      for (const { identity } of connections.accepted) if (identity) count[identity.kind] += 1;
      for (const kind of ['device', 'service'] as const) this.set({ kind }, count[kind]);
    },
  });
  new Gauge({
    name: 'sgp_broker_journal_messages',
    help: 'Messages that wait for a durable session, in flight included',
    labelNames: ['session'],
    registers,
    collect() {
      this.reset();
      for (const { clientId, waitingMessages } of durable.all) this.set({ session: clientId }, waitingMessages);
    },
  });
  new Gauge({
    name: 'sgp_broker_journal_bytes',
    help: 'Bytes of topics and payloads that wait in the journal',
    registers,
    collect() {
      this.set(waitingBytes());
    },
  });
}
