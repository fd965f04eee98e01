import type { Log } from '@sgp/service-kit/log';
import { AppError } from '@sgp/shared/errors';
import type { Aedes, AedesPublishPacket, Client, PublishPacket } from 'aedes';
import type { BrokerMetrics } from '../metrics.ts';
import type { DurableSession } from './durable-session.ts';
import type { DurableSessions } from './durable-sessions.ts';
import type { Journal } from './journal.ts';

/** Puts messages into the journal before anybody is told that they are safe. */
export type Publishing = {
  /** Payloads of messages that are in the journal. */
  readonly journaled: { has(payload: Uint8Array): boolean };
  /**
   * aedes writes PUBACK as soon as a publish is authorised, so this is where a message is stored. `done` is called after
   * the commit; with an error nothing was kept and the connection is cut.
   */
  store(client: Client, packet: PublishPacket, incoming: Incoming, done: (error?: Error | null) => void): void;
  /** Publishes in the broker's own name, QoS 1. */
  publishOwn(aedes: Aedes, message: { topic: string; payload: Buffer; retain: boolean }): void;
  /**
   * True when the client's session gets such a message from the journal, so that aedes must not forward it too. Retained
   * messages that greet a new subscription (`retain` is set on those alone) come from aedes.
   */
  goesThroughJournal(client: Client, packet: AedesPublishPacket): boolean;
};
/** QoS 2 messages that were received and not yet released. */
type Incoming = { incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown> };

export function createPublishing(deps: {
  readonly journal: Pick<Journal, 'append'>;
  readonly durable: Pick<DurableSessions, 'matching'>;
  readonly metrics: Pick<BrokerMetrics, 'messages'>;
  readonly log: Pick<Log, 'error'>;
}): Publishing {
  const { journal, durable, metrics, log } = deps;
  const journaled = new WeakSet<Uint8Array>();
  const touched = new Set<DurableSession>();
  const pumpTouched = (): void => {
    const sessions = [...touched];
    touched.clear();
    for (const session of sessions) session.pump();
  };
  const append = (
    topic: string,
    payload: Buffer,
    retainQos: number | null,
    done: (error: Error | null) => void,
  ): void => {
    const sessions = durable.matching(topic);
    if (sessions.length === 0 && retainQos === null) {
      done(null);
      return;
    }
    const ids = sessions.map(({ id }) => id);
    journal.append({ topic, payload }, ids, retainQos, (error, id) => {
      if (error) return done(error);
      journaled.add(payload);
      // The whole group is committed before any of it is sent: one write to the consumer instead of hundreds.
      if (touched.size === 0) queueMicrotask(pumpTouched);
      for (const session of sessions) {
        session.committed({ id, topic, payload });
        touched.add(session);
      }
      done(null);
    });
  };
  const storePacket = (packet: PublishPacket, done: (error?: Error | null) => void): void => {
    const { topic, qos, retain } = packet;
    append(topic, packet.payload as Buffer, retain ? qos : null, (error) => {
      if (!error) return done(null);
      log.error({ err: error }, 'the journal could not store a message; it was not acknowledged');
      done(journalRefusal(error, { topic, sizeBytes: packet.payload.length }));
    });
  };

  return {
    journaled,
    store(client, packet, incoming, done) {
      metrics.messages.inc({ qos: String(packet.qos) });
      // What is kept is copied: the parser's payload is a view that would hold its whole 64 KiB read in memory.
      if (packet.qos > 0 || packet.retain) packet.payload = Buffer.from(packet.payload as Buffer);
      if (packet.qos === 0) return done(null);
      if (packet.qos === 1) return storePacket(packet, done);
      // A QoS 2 message that was received before is answered, not published again (§4.3.3).
      incoming.incomingGetPacket(client, packet).then(
        () => done(null),
        () => storePacket(packet, done),
      );
    },
    publishOwn(aedes, { topic, payload, retain }) {
      const packet: PublishPacket = { cmd: 'publish', topic, payload, qos: 1, retain, dup: false };
      append(topic, payload, retain ? 1 : null, (error) => {
        if (error) log.error({ err: error, topic }, 'the journal could not store a message of the broker');
        aedes.publish(packet, (err) => err && log.error({ err, topic }, 'could not publish'));
      });
    },
    goesThroughJournal: ({ id }, { topic, qos, retain }) =>
      qos > 0 && !retain && durable.matching(topic).some(({ clientId }) => clientId === id),
  };
}

const journalRefusal = (
  cause: Error & { readonly code?: unknown },
  details: { readonly topic: string; readonly sizeBytes: number },
): AppError =>
  cause.code === 'SQLITE_FULL'
    ? new AppError('DISK_FULL', 'the disk has no room for the message; it was not kept', { cause, details })
    : new AppError('UNAVAILABLE', 'the message could not be stored; it was not kept', { cause, details });
