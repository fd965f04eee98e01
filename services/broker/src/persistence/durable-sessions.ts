import { AppError } from '@sgp/shared/errors';
import { brokerLimits } from '../broker-limits.ts';
import { createDurableSession, type DurableSession } from './durable-session.ts';
import type { Journal } from './journal.ts';
import { topicMatches } from './topic-match.ts';

/** The persistent sessions of services: their filters and their backlogs outlive the broker's process. */
export type DurableSessions = {
  find(clientId: string): DurableSession | undefined;
  /** The sessions that want this topic with QoS 1. */
  matching(topic: string): readonly DurableSession[];
  readonly all: readonly DurableSession[];
  filtersOf(clientId: string): ReadonlyMap<string, number>;
  /** Adds filters, and the session if it is new; resolves when they are on the disk. Messages match at once. */
  addFilters(clientId: string, filters: Iterable<readonly [string, number]>): Promise<DurableSession>;
  removeFilters(clientId: string, filters: readonly string[]): Promise<void>;
  remove(clientId: string): Promise<void>;
  /** Notes that the session was used now. */
  touch(clientId: string): Promise<void>;
  /** Sessions that nobody used for `sessionExpiryMs`. */
  expired(nowMs: number): readonly string[];
};

type Held = { readonly session: DurableSession; filters: Map<string, number>; seenAt: number };

/** Topics repeat: each is matched against the filters once. */
const cachedTopicsMax = 10_000;

export function createDurableSessions(
  journal: Pick<Journal, 'sessions' | 'saveSession' | 'removeSession' | 'read' | 'acknowledge'>,
): DurableSessions {
  const held = new Map<string, Held>();
  let nextId = 1;
  for (const row of journal.sessions) {
    held.set(row.clientId, {
      session: createDurableSession(row, journal),
      filters: new Map(row.filters),
      seenAt: row.seenAt,
    });
    nextId = Math.max(nextId, row.id + 1);
  }
  const cache = new Map<string, readonly DurableSession[]>();
  const wants = ({ filters }: Held, levels: readonly string[]): boolean => {
    for (const [filter, qos] of filters) if (qos > 0 && topicMatches(filter.split('/'), levels)) return true;
    return false;
  };
  const save = ({ session, filters, seenAt }: Held, withFilters: boolean): Promise<void> =>
    journal.saveSession({
      id: session.id,
      clientId: session.clientId,
      seenAt,
      filters: withFilters ? [...filters] : null,
    });

  return {
    find: (clientId) => held.get(clientId)?.session,
    matching(topic) {
      const known = cache.get(topic);
      if (known) return known;
      const levels = topic.split('/');
      const found = [...held.values()].filter((each) => wants(each, levels)).map(({ session }) => session);
      if (cache.size >= cachedTopicsMax) cache.clear();
      cache.set(topic, found);
      return found;
    },
    get all() {
      return [...held.values()].map(({ session }) => session);
    },
    filtersOf: (clientId) => held.get(clientId)?.filters ?? new Map(),
    async addFilters(clientId, filters) {
      let each = held.get(clientId);
      if (!each) {
        if (held.size >= brokerLimits.durableSessionsMax)
          throw new AppError('UNAVAILABLE', `there are ${held.size} durable sessions already`);
        each = {
          session: createDurableSession({ id: nextId, clientId, waitingMessages: 0 }, journal),
          filters: new Map(),
          seenAt: Date.now(),
        };
        nextId += 1;
        held.set(clientId, each);
      }
      for (const [filter, qos] of filters) each.filters.set(filter, qos);
      cache.clear();
      await save(each, true);
      return each.session;
    },
    async removeFilters(clientId, filters) {
      const each = held.get(clientId);
      if (!each) return;
      for (const filter of filters) each.filters.delete(filter);
      cache.clear();
      await save(each, true);
    },
    async remove(clientId) {
      const each = held.get(clientId);
      if (!each) return;
      held.delete(clientId);
      cache.clear();
      await journal.removeSession(each.session.id);
    },
    async touch(clientId) {
      const each = held.get(clientId);
      if (!each) return;
      each.seenAt = Date.now();
      await save(each, false);
    },
    expired: (nowMs) =>
      [...held.values()]
        .filter(({ session, seenAt }) => !session.connected && nowMs - seenAt > brokerLimits.sessionExpiryMs)
        .map(({ session }) => session.clientId),
  };
}
