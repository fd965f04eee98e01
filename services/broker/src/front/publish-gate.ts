import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { PublishPacket } from 'aedes';
import type { Packet } from 'mqtt-packet';
import type { Identity } from '../accounts/identity.ts';
import type { Acl } from '../acl.ts';
import { brokerLimits } from '../broker-limits.ts';
import type { Refusals } from '../bus/refusals.ts';
import type { BrokerMetrics } from '../metrics.ts';
import { createTokenBuckets } from '../token-buckets.ts';
import type { Connection } from './connections.ts';

/** What a connection may send, and how fast. */
export type PublishGate = {
  /** Before aedes sees the packet: false for a machine's QoS 0 message above its rate, which is left out. */
  admit(connection: Connection, packet: Packet): boolean;
  /** @throws AppError that cuts the connection */
  check(identity: Identity, packet: PublishPacket): void;
  /** Calls `go` at once, or when the machine's rate allows it. Calls of one connection keep their order. */
  pace(connection: Connection, packet: PublishPacket, go: () => void): void;
};

export function createPublishGate(deps: {
  readonly acl: Acl;
  readonly metrics: Pick<BrokerMetrics, 'retainStripped' | 'slowed'>;
  readonly refusals: Refusals;
}): PublishGate {
  const { acl, metrics, refusals } = deps;
  const perSecond = limits.floorMessagesPerDeviceMaxPerSecond;
  const buckets = createTokenBuckets({ perSecond, burst: perSecond * brokerLimits.floorBurstS });
  const admitted = new WeakSet<object>();
  const lines = new WeakMap<Connection, (() => void)[]>();

  const wait = (connection: Connection, waitMs: number, go: () => void): void => {
    const line = lines.get(connection) ?? [];
    lines.set(connection, line);
    line.push(go);
    setTimeout(() => {
      // What is slowed is alive: the keepalive counts from its turn, not from its arrival.
      connection.client._keepaliveTimer?.refresh();
      line.shift()?.();
    }, waitMs);
  };
  return {
    admit(connection, packet) {
      const { identity, client } = connection;
      if (packet.cmd !== 'publish' || packet.qos !== 0 || identity?.kind !== 'device' || !client.connackSent)
        return true;
      if (buckets.tryTake(identity.username)) {
        admitted.add(packet);
        return true;
      }
      const message = `more than ${perSecond} messages a second: QoS 0 above it is left out`;
      const { topic, payload } = packet;
      refusals.report(connection, 'MQTT_RATE_LIMITED', message, { topic, sizeBytes: payload.length, excerpt: payload });
      return false;
    },
    check(identity, packet) {
      const { topic } = packet;
      const payload = packet.payload as Buffer;
      const details = { topic, sizeBytes: payload.length, excerpt: payload };
      if (!acl.mayPublish(identity, topic))
        throw new AppError('MQTT_TOPIC_FORBIDDEN', 'the topic belongs to somebody else', { details });
      if (identity.kind === 'device' && payload.length > limits.floorPayloadMaxBytes)
        throw new AppError('MQTT_PAYLOAD_TOO_LARGE', `the payload is over ${limits.floorPayloadMaxBytes} bytes`, {
          details,
        });
      if (packet.retain && !acl.mayRetain(identity, topic)) {
        packet.retain = false;
        metrics.retainStripped.inc();
      }
    },
    pace(connection, packet, go) {
      const { identity } = connection;
      if (identity?.kind !== 'device' || admitted.has(packet) || connection.client.closed) return go();
      const waitMs = buckets.takeAndWaitMs(identity.username);
      if (waitMs === 0 && !lines.get(connection)?.length) return go();
      metrics.slowed.inc();
      wait(connection, waitMs, go);
    },
  };
}
