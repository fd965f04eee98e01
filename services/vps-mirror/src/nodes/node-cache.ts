import type { Log } from '@sgp/service-kit/log';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { mirrorLimits } from '../mirror-limits.ts';
import type { LicenseClient } from './license-client.ts';
import type { NodeStore } from './node-store.ts';

export type NodeCache = Disposable & {
  /**
   * The node with this short id, at most `nodeRecordMaxAgeMs` old while the license service answers; older while it is down.
   * @returns undefined for an id that the license service does not know
   * @throws AppError UNAVAILABLE for an id never seen while the license service is down
   */
  find(shortId: string): Promise<NodeRecord | undefined>;
  /** Asks for every known node again; a node that the service no longer knows is forgotten. */
  refresh(): Promise<void>;
  /** Age of the oldest record, in milliseconds; 0 without records. */
  readonly oldestAgeMs: number;
};

type Known = { readonly record: NodeRecord; readonly checkedAt: number; readonly triedAt: number };

/** Loads what is stored and keeps it fresh in the background until it is disposed. */
export async function openNodeCache(deps: {
  readonly store: NodeStore;
  readonly license: LicenseClient;
  readonly log: Log;
  readonly now: () => number;
}): Promise<NodeCache> {
  const { store, license, log, now } = deps;
  const known = new Map<string, Known>();
  const unknownUntil = new Map<string, number>();
  const asking = new Map<string, Promise<void>>();
  for (const { record, checkedAt } of await store.all())
    known.set(record.shortId, { record, checkedAt, triedAt: checkedAt });

  const ask = async (shortId: string): Promise<void> => {
    const before = known.get(shortId);
    if (before) known.set(shortId, { ...before, triedAt: now() });
    const record = await license.findNode(shortId);
    const checkedAt = now();
    if (record && record.shortId === shortId) {
      await store.save({ record, checkedAt });
      known.set(shortId, { record, checkedAt, triedAt: checkedAt });
      unknownUntil.delete(shortId);
      return;
    }
    if (before) await store.remove(shortId);
    known.delete(shortId);
    if (unknownUntil.size >= mirrorLimits.nodeUnknownKeptMax) unknownUntil.clear();
    unknownUntil.set(shortId, checkedAt + mirrorLimits.nodeUnknownKeptMs);
  };
  /** Callers that need the same node at the same time share one question. */
  const askOnce = (shortId: string): Promise<void> => {
    const running = asking.get(shortId) ?? ask(shortId).finally(() => asking.delete(shortId));
    asking.set(shortId, running);
    return running;
  };
  const askOrKeep = async (shortId: string): Promise<void> => {
    try {
      await askOnce(shortId);
    } catch (err) {
      log.warn({ err, shortId }, 'a node could not be checked; its stored record stays in use');
    }
  };
  const refresh = async (): Promise<void> => {
    for (const shortId of [...known.keys()]) await askOrKeep(shortId);
  };
  let refreshing = false;
  const timer = setInterval(() => {
    if (refreshing) return;
    refreshing = true;
    void refresh().finally(() => {
      refreshing = false;
    });
  }, mirrorLimits.nodeRefreshIntervalMs);
  timer.unref();

  return {
    async find(shortId) {
      const entry = known.get(shortId);
      if (!entry) {
        if ((unknownUntil.get(shortId) ?? 0) > now()) return undefined;
        await askOnce(shortId);
        return known.get(shortId)?.record;
      }
      // An old record is asked for once before it is used; after a failed try it serves until the next one is due.
      const old = now() - entry.checkedAt > mirrorLimits.nodeRecordMaxAgeMs;
      if (old && now() - entry.triedAt > mirrorLimits.nodeUnknownKeptMs) await askOrKeep(shortId);
      return known.get(shortId)?.record;
    },
    refresh,
    get oldestAgeMs() {
      const times = [...known.values()].map((entry) => entry.checkedAt);
      return times.length === 0 ? 0 : now() - Math.min(...times);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
