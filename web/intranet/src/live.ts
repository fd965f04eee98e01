import type { ShopEventName, ShopEvents } from '@sgp/shared/api/events';

type Listener = <Name extends ShopEventName>(name: Name, data: ShopEvents[Name]) => void;

export type Live = {
  readonly start: () => void;
  readonly stop: () => void;
  /** Hears every event; returns the way to stop hearing. */
  readonly listen: (listener: Listener) => () => void;
  /** Runs after each reconnect: events are news and never the only source, so whoever shows data fetches it again. */
  readonly onReconnect: (callback: () => void) => () => void;
};

export type LiveDeps = {
  readonly open: (url: string) => EventSource;
  readonly onHeard: () => void;
  readonly onSilent: () => void;
  /** Asks the server whether it is there and still knows us; resolves false when it does not answer. */
  readonly probe: () => Promise<boolean>;
  readonly setTimer: (callback: () => void, ms: number) => unknown;
  readonly clearTimer: (timer: unknown) => void;
};

const EVENT_NAMES: readonly ShopEventName[] = [
  'hello',
  'order.changed',
  'media.changed',
  'machine.changed',
  'machine.telemetry',
  'machine.log',
  'refusal.changed',
  'sync.status',
  'stock.changed',
  'catalogue.changed',
  'conflicts.changed',
  'services.changed',
];
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 8_000;
/** A cut cable closes nothing: without any event for this long, the server is asked directly. */
const QUIET_MAX_MS = 20_000;

/** One event stream for the whole app, which comes back by itself and says when it did. */
export function createLive({ open, onHeard, onSilent, probe, setTimer, clearTimer }: LiveDeps): Live {
  const listeners = new Set<Listener>();
  const reconnectors = new Set<() => void>();
  let source: EventSource | null = null;
  let running = false;
  let wasOpen = false;
  let retryMs = RETRY_MIN_MS;
  let retryTimer: unknown = null;
  let quietTimer: unknown = null;

  function watchQuiet() {
    clearTimer(quietTimer);
    quietTimer = setTimer(() => {
      void probe().then((answered) => {
        if (!running) return;
        if (answered) watchQuiet();
        else reopenLater();
      });
    }, QUIET_MAX_MS);
  }

  function reopenLater() {
    source?.close();
    source = null;
    clearTimer(quietTimer);
    clearTimer(retryTimer);
    retryTimer = setTimer(() => {
      void probe().then((answered) => {
        if (!running) return;
        if (answered) connect();
        else reopenLater();
      });
    }, retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  }

  function connect() {
    const stream = open('/api/events');
    source = stream;
    stream.onopen = () => {
      onHeard();
      retryMs = RETRY_MIN_MS;
      if (wasOpen) for (const callback of reconnectors) callback();
      wasOpen = true;
      watchQuiet();
    };
    stream.onerror = () => {
      if (!running || source !== stream) return;
      // The stream also ends when the session does; only a probe that gets no answer means that the server is away.
      void probe().then((answered) => {
        if (!answered) onSilent();
      });
      reopenLater();
    };
    for (const name of EVENT_NAMES) {
      stream.addEventListener(name, (event) => {
        onHeard();
        watchQuiet();
        const data = JSON.parse((event as Event & { readonly data: string }).data);
        for (const listener of listeners) listener(name, data);
      });
    }
  }

  return {
    start: () => {
      if (running) return;
      running = true;
      connect();
    },
    stop: () => {
      running = false;
      wasOpen = false;
      source?.close();
      source = null;
      clearTimer(retryTimer);
      clearTimer(quietTimer);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onReconnect: (callback) => {
      reconnectors.add(callback);
      return () => reconnectors.delete(callback);
    },
  };
}
