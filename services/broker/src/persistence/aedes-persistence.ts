import { Readable } from 'node:stream';
import type { AedesPublishPacket, Subscription } from 'aedes';
import MemoryPersistence from 'aedes-persistence/asyncPersistence.js';
import type { Identity } from '../accounts/identity.ts';
import type { Acl } from '../acl.ts';
import { brokerLimits } from '../broker-limits.ts';
import type { AedesClient } from '../front/aedes-client.ts';
import type { DurableSessions } from './durable-sessions.ts';
import type { Journal } from './journal.ts';

export type PersistenceDeps = {
  readonly durable: DurableSessions;
  readonly journal: Pick<Journal, 'retained' | 'saveRetained'>;
  /** Retained messages that the journal has already, because they were stored before they were acknowledged. */
  readonly journaled: { has(payload: Uint8Array): boolean };
  readonly identityOf: (client: AedesClient) => Identity | null;
  readonly acl: Pick<Acl, 'maySubscribe'>;
  readonly onDropped: (clientId: string) => void;
};

type ClientRef = Pick<AedesClient, 'id'>;

/**
 * aedes' persistence: memory for what dies with its connection anyway, the journal for the sessions of services and for
 * retained messages. Everything that aedes reads is answered from memory, so that no packet overtakes another.
 */
export function createPersistence(deps: PersistenceDeps) {
  const { durable, journal, journaled, acl } = deps;
  const memory = new MemoryPersistence();
  const base = {
    setup: memory.setup.bind(memory),
    storeRetained: memory.storeRetained.bind(memory),
    addSubscriptions: memory.addSubscriptions.bind(memory),
    removeSubscriptions: memory.removeSubscriptions.bind(memory),
    cleanSubscriptions: memory.cleanSubscriptions.bind(memory),
    outgoingEnqueueCombi: memory.outgoingEnqueueCombi.bind(memory),
    outgoingStream: memory.outgoingStream.bind(memory),
    outgoingClearMessageId: memory.outgoingClearMessageId.bind(memory),
  };
  /** Messages that wait in memory for a machine with a persistent session. */
  const queued = new Map<string, number>();

  const clearMessage = async (client: ClientRef, packet: AedesPublishPacket) => {
    const cleared = await base.outgoingClearMessageId(client, packet);
    if (cleared) queued.set(client.id, (queued.get(client.id) ?? 1) - 1);
    return cleared;
  };

  return Object.assign(memory, {
    // aedes asks that this is literally an async function.
    async setup(broker: unknown) {
      await base.setup(broker);
      for (const { topic, payload, qos } of journal.retained)
        await base.storeRetained({ cmd: 'publish', topic, payload, qos: qos === 0 ? 0 : 1, retain: true, dup: false });
      for (const { clientId } of durable.all) {
        const subs = Array.from(durable.filtersOf(clientId), ([topic, qos]) => ({ topic, qos }));
        await base.addSubscriptions({ id: clientId }, subs);
      }
    },
    async storeRetained(packet: AedesPublishPacket) {
      await base.storeRetained(packet);
      const { topic, qos } = packet;
      const payload = packet.payload as Buffer;
      // Not waited for: the message was stored before its acknowledgement, or it is QoS 0 and promises nothing.
      if (!journaled.has(payload)) journal.saveRetained({ topic, payload, qos }).catch(() => undefined);
    },
    async addSubscriptions(client: AedesClient, subs: readonly Subscription[]) {
      // aedes hands over the whole SUBSCRIBE, with the filters that were refused.
      const identity = deps.identityOf(client);
      const allowed = subs.filter(({ topic }) => identity && acl.maySubscribe(identity, topic));
      await base.addSubscriptions(client, allowed);
      if (identity?.kind !== 'service') return;
      const filters = allowed.map(({ topic, qos }) => [topic, Math.min(qos, 1)] as const);
      const known = durable.find(client.id);
      const session = await durable.addFilters(client.id, filters);
      if (!known && !client.closed) session.attach(client);
    },
    async removeSubscriptions(client: AedesClient, filters: readonly string[]) {
      await base.removeSubscriptions(client, filters);
      await durable.removeFilters(client.id, filters);
    },
    async cleanSubscriptions(client: ClientRef) {
      await base.cleanSubscriptions(client);
      await durable.remove(client.id);
    },
    async outgoingEnqueueCombi(subs: readonly { clientId: string }[], packet: AedesPublishPacket) {
      const wanted = subs.filter(({ clientId }) => {
        if (durable.find(clientId)) return false;
        const waiting = queued.get(clientId) ?? 0;
        if (waiting >= brokerLimits.deviceQueueMaxMessages) {
          deps.onDropped(clientId);
          return false;
        }
        queued.set(clientId, waiting + 1);
        return true;
      });
      if (wanted.length > 0) await base.outgoingEnqueueCombi(wanted, packet);
    },
    outgoingStream: (client: ClientRef): Readable =>
      durable.find(client.id) ? Readable.from([]) : base.outgoingStream(client),
    async outgoingClearMessageId(client: ClientRef, packet: AedesPublishPacket) {
      // What aedes does not forward has no packet id; clearing "no id" would take another message out.
      if (packet.messageId === undefined) return undefined;
      const session = durable.find(client.id);
      return session ? session.acknowledge(packet.messageId) : clearMessage(client, packet);
    },
    /** Forgets everything of a machine's session (SECURITY D4). */
    async purge(clientId: string): Promise<void> {
      const client = { id: clientId };
      await base.cleanSubscriptions(client);
      await memory.cleanIncoming(client);
      for await (const packet of base.outgoingStream(client)) await clearMessage(client, packet);
      queued.delete(clientId);
    },
    async forgetRetained(topic: string): Promise<void> {
      await base.storeRetained({ cmd: 'publish', topic, payload: Buffer.alloc(0), qos: 0, retain: true, dup: false });
      await journal.saveRetained({ topic, payload: Buffer.alloc(0), qos: 0 });
    },
  });
}

export type BrokerPersistence = ReturnType<typeof createPersistence>;
