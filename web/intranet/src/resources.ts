import { type ReadonlySignal, signal } from '@preact/signals';
import type { ShopEventName, ShopEvents } from '@sgp/shared/api/events';
import { type ApiError, asApiError } from './api-error.ts';
import type { Live } from './live.ts';

/** Something the server knows, as this screen last saw it. Old data stays while new data is fetched. */
export type Resource<T> = {
  readonly data: ReadonlySignal<T | undefined>;
  readonly error: ReadonlySignal<ApiError | null>;
  readonly refresh: () => Promise<void>;
  /** Puts a value there at once: the answer of a write, or an optimistic one. */
  readonly set: (value: T) => void;
  /** Changes what is known without taking the turn of a fetch under way, whose answer is whole. Nothing while nothing is known. */
  readonly update: (change: (value: T) => T) => void;
};

export type NewsFilter = (name: ShopEventName, data: ShopEvents[ShopEventName]) => boolean;

type Entry = Resource<unknown> & { users: number; usedAt: number; isNews: NewsFilter };

export type Resources = {
  /** The resource of this key; made at the first call, shared by every later one. */
  readonly get: <T>(key: string, load: () => Promise<T>, isNews?: NewsFilter) => Resource<T>;
  /** Fetches at once and again after each matching event and each reconnect, until released. */
  readonly watch: (key: string) => () => void;
  /** Fetches again what this key holds; nothing when no screen asked for it yet. */
  readonly refresh: (key: string) => Promise<void>;
  readonly clear: () => void;
};

/** News often come in bursts (a move writes the order, its media, its outbox): one fetch answers them all. */
const NEWS_GATHER_MS = 60;
/** Screens left behind that keep their data for an instant return. */
const KEPT_MAX = 60;

export function createResources(live: Pick<Live, 'listen' | 'onReconnect'>): Resources {
  const entries = new Map<string, Entry>();
  const pending = new Set<Entry>();

  function gather(entry: Entry) {
    if (pending.has(entry)) return;
    pending.add(entry);
    setTimeout(() => {
      pending.delete(entry);
      if (entry.users > 0) void entry.refresh();
    }, NEWS_GATHER_MS);
  }

  live.listen((name, data) => {
    for (const entry of entries.values()) if (entry.users > 0 && entry.isNews(name, data)) gather(entry);
  });
  live.onReconnect(() => {
    for (const entry of entries.values()) if (entry.users > 0) gather(entry);
  });

  function create<T>(load: () => Promise<T>, isNews: NewsFilter): Entry {
    const data = signal<T | undefined>(undefined);
    const error = signal<ApiError | null>(null);
    let latest = 0;
    const refresh = async () => {
      const turn = ++latest;
      try {
        const value = await load();
        // A slower answer to an earlier question must not overwrite a newer one.
        if (turn !== latest) return;
        data.value = value;
        error.value = null;
      } catch (cause) {
        if (turn !== latest) return;
        error.value = asApiError(cause);
      }
    };
    const set = (value: T) => {
      latest++;
      data.value = value;
      error.value = null;
    };
    const update = (change: (value: T) => T) => {
      const value = data.peek();
      if (value !== undefined) data.value = change(value);
    };
    return {
      data,
      error,
      refresh,
      set: set as (value: unknown) => void,
      update: update as Resource<unknown>['update'],
      users: 0,
      usedAt: 0,
      isNews,
    };
  }

  return {
    get: <T>(key: string, load: () => Promise<T>, isNews: NewsFilter = () => false) => {
      let entry = entries.get(key);
      if (!entry) {
        entry = create(load, isNews);
        entries.set(key, entry);
      }
      return entry as unknown as Resource<T>;
    },
    watch: (key) => {
      const entry = entries.get(key);
      if (!entry) return () => undefined;
      entry.users++;
      void entry.refresh();
      return () => {
        entry.users--;
        entry.usedAt = Date.now();
        if (entries.size <= KEPT_MAX) return;
        const oldest = [...entries]
          .filter(([, other]) => other.users === 0)
          .sort(([, a], [, b]) => a.usedAt - b.usedAt)[0];
        if (oldest) entries.delete(oldest[0]);
      };
    },
    refresh: async (key) => entries.get(key)?.refresh(),
    clear: () => entries.clear(),
  };
}
