import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { createI18n, type Locale, pickLocale } from '@sgp/ui/i18n';
import { forgetPhotos } from './logic/kept-photos.ts';
import { createOrderSession, type OrderEvents, type OrderSession } from './logic/order-session.ts';
import { createSavedOrders, type SavedOrders } from './logic/saved-orders.ts';
import { createSeenPhotos, type SeenPhotos } from './logic/seen-photos.ts';
import { createTrackingClient, type TrackingClient } from './logic/tracking-client.ts';
import { type Dictionary, dictionaries } from './messages/dictionary.ts';

/** How the first screen takes over from the text that the server wrote into the page. */
export type FirstScreen = {
  /** The server wrote the order's text into the page, and it is still there. */
  readonly hasText: boolean;
  /** The app's own screen stands: the server's text may go. */
  readonly onFirstScreen: () => void;
};

export type App = {
  readonly locale: ReadonlySignal<Locale>;
  readonly t: ReadonlySignal<Dictionary>;
  readonly saved: SavedOrders;
  readonly client: TrackingClient;
  readonly seenPhotos: SeenPhotos;
  /** The phone's clock in ms, ticking every half minute: ages on the screen. */
  readonly now: ReadonlySignal<number>;
  /** False when the phone itself says that it has no network. */
  readonly online: ReadonlySignal<boolean>;
  /** The browser offers to keep the page as an app; calling it asks the person. */
  readonly install: ReadonlySignal<(() => void) | null>;
  /** A new version waits; calling it reloads the page with it. */
  readonly update: Signal<(() => void) | null>;
  /** The session of an order's page, living until it is closed. */
  openOrder(token: string): OrderSession;
};

const tickMs = 30_000;

/** Builds what the pages share, once, from what the browser offers. */
export function createAppServices(browser: Window & typeof globalThis): App {
  const { navigator } = browser;
  const { locale, t } = createI18n(dictionaries, pickLocale(navigator.languages));
  const now = signal(Date.now());
  const online = signal(navigator.onLine);
  const saved = createSavedOrders(storageOf(browser));
  const client = createTrackingClient(browser.fetch.bind(browser));
  const controlled = (): boolean => Boolean(navigator.serviceWorker?.controller);
  const seenPhotos = createSeenPhotos((address) => browser.fetch(address, { credentials: 'omit' }), controlled);
  browser.setInterval(() => {
    now.value = Date.now();
  }, tickMs);
  const sessions = new Set<OrderSession>();
  const wake = (): void => {
    now.value = Date.now();
    for (const session of sessions) session.wake();
  };
  browser.addEventListener('online', () => {
    online.value = true;
    wake();
  });
  browser.addEventListener('offline', () => {
    online.value = false;
    for (const session of sessions) session.lost();
  });
  browser.document.addEventListener('visibilitychange', () => {
    if (browser.document.visibilityState === 'visible') wake();
  });
  return {
    locale,
    t,
    saved,
    client,
    seenPhotos,
    now,
    online,
    install: watchInstall(browser),
    update: signal(null),
    openOrder(token) {
      const session = createOrderSession(token, {
        client,
        saved,
        forgetPhotos: (mediaIds) => void forgetPhotos(mediaIds),
        openEvents,
        now: Date.now,
        setTimer: (act, ms) => {
          const timer = setTimeout(act, ms);
          return () => clearTimeout(timer);
        },
      });
      sessions.add(session);
      return {
        ...session,
        close() {
          sessions.delete(session);
          session.close();
        },
      };
    },
  };
}

/** The event stream of one order (`@sgp/shared/api/tracking`), as the session wants it. */
function openEvents(token: string): OrderEvents {
  const source = new EventSource(`/api/tracking/${token}/events`);
  const events: OrderEvents = {
    onVersion: () => {},
    onBreak: () => {},
    onEnd: () => {},
    close: () => source.close(),
  };
  source.addEventListener('order', ({ data }: MessageEvent<string>) => {
    events.onVersion((JSON.parse(data) as { version: number }).version);
  });
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) events.onEnd();
    else events.onBreak();
  });
  return events;
}

/** Reading the property is what throws where storage is forbidden. */
function storageOf(browser: Window): Storage | null {
  try {
    return browser.localStorage;
  } catch {
    return null;
  }
}

/** Chromium's offer to install (`beforeinstallprompt`); other browsers have it in their own menus. */
function watchInstall(browser: Window): ReadonlySignal<(() => void) | null> {
  const install = signal<(() => void) | null>(null);
  browser.addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    install.value = () => {
      install.value = null;
      void (event as Event & { prompt(): Promise<unknown> }).prompt();
    };
  });
  browser.addEventListener('appinstalled', () => {
    install.value = null;
  });
  return install;
}
