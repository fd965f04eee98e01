import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Session } from '@sgp/shared/api/people';
import type { SyncStatus } from '@sgp/shared/sync';
import { createFormatters, type Formatters } from '@sgp/ui/format';
import { createI18n, type Locale, pickLocale } from '@sgp/ui/i18n';
import { type Words, words } from '@sgp/ui/words';
import { type Api, createApi, type Setup } from './api.ts';
import { asApiError } from './api-error.ts';
import { type Contact, createContact } from './contact.ts';
import { createHttp } from './http.ts';
import { createLive, type Live } from './live.ts';
import { type Dictionary, dictionaries } from './messages/dictionary.ts';
import { createPrefs, type Prefs } from './prefs.ts';
import { createResources, type Resources } from './resources.ts';
import { createToasts, type Toasts } from './toasts.ts';
import { createUploads, type Uploads } from './uploads.ts';

/** Which of the four doors is open: still asking, first run, sign-in, or the shop itself. */
export type Gate =
  | { readonly at: 'asking' }
  | { readonly at: 'first-run'; readonly setup: Setup }
  | { readonly at: 'sign-in'; readonly setup: Setup; readonly ended: boolean }
  | { readonly at: 'shop' };

export type App = {
  readonly api: Api;
  readonly live: Live;
  readonly contact: Contact;
  readonly resources: Resources;
  readonly prefs: Prefs;
  readonly toasts: Toasts;
  readonly uploads: Uploads;
  readonly locale: ReadonlySignal<Locale>;
  readonly setLocale: (locale: Locale) => void;
  readonly t: ReadonlySignal<Dictionary>;
  readonly words: ReadonlySignal<Words>;
  readonly format: ReadonlySignal<Formatters>;
  /** Server's clock in ms, ticking every second: ages and countdowns. */
  readonly now: ReadonlySignal<number>;
  readonly gate: ReadonlySignal<Gate>;
  readonly session: ReadonlySignal<Session | null>;
  readonly sync: Signal<SyncStatus | null>;
  /** Another build than this page's answers: a reload is offered, never forced over a form. */
  readonly newBuild: ReadonlySignal<boolean>;
  readonly enter: (session: Session) => void;
  readonly signOut: () => Promise<void>;
  readonly start: () => void;
};

/** Builds everything the screens share, once, from what the browser offers. */
export function createAppServices(browser: Window & typeof globalThis): App {
  const clock = () => Date.now();
  const prefs = createPrefs(storageOf(browser));
  const i18n = createI18n(dictionaries, pickLocale(browser.navigator.languages, prefs.read('locale')));
  const contact = createContact(clock);
  const session = signal<Session | null>(null);
  const gate = signal<Gate>({ at: 'asking' });
  const sync = signal<SyncStatus | null>(null);
  const newBuild = signal(false);
  const tick = signal(clock());
  const toasts = createToasts(clock);

  const http = createHttp({
    fetch: browser.fetch.bind(browser),
    onAnswer: contact.heard,
    onSilence: contact.silent,
    onSessionEnded: () => {
      if (gate.peek().at === 'shop') void askAtDoor(true);
    },
  });
  const api = createApi(http);
  const live = createLive({
    open: (url) => new browser.EventSource(url),
    onHeard: () => contact.heard(null),
    onSilent: contact.silent,
    probe: () =>
      api.session().then(
        () => true,
        (error: unknown) => asApiError(error).code !== 'SERVER_AWAY',
      ),
    setTimer: (callback, ms) => browser.setTimeout(callback, ms),
    clearTimer: (timer) => browser.clearTimeout(timer as number | undefined),
  });
  const resources = createResources(live);
  const uploads = createUploads({ api, clock, resources });

  let build: string | null = null;
  live.listen((name, data) => {
    if (name === 'sync.status') sync.value = data as SyncStatus;
    if (name === 'hello') {
      const { version } = data as { readonly version: string };
      if (build !== null && build !== version) newBuild.value = true;
      build = version;
    }
  });
  const readSync = () =>
    api.sync().then(
      (page) => {
        sync.value = page.status;
      },
      () => undefined,
    );
  live.onReconnect(() => void readSync());

  function enter(found: Session) {
    session.value = found;
    gate.value = { at: 'shop' };
    void readSync();
    live.start();
  }

  async function askAtDoor(ended: boolean) {
    live.stop();
    session.value = null;
    resources.clear();
    sync.value = null;
    try {
      const setup = await api.setup();
      gate.value = setup.needsOwner ? { at: 'first-run', setup } : { at: 'sign-in', setup, ended };
    } catch {
      // The server is away before we know anything: the door keeps asking until it answers.
      browser.setTimeout(() => void begin(), 2_000);
    }
  }

  async function begin() {
    try {
      enter(await api.session());
    } catch (error) {
      if (asApiError(error).code === 'SERVER_AWAY') browser.setTimeout(() => void begin(), 2_000);
      else await askAtDoor(false);
    }
  }

  return {
    api,
    live,
    contact,
    resources,
    prefs,
    toasts,
    uploads,
    locale: i18n.locale,
    setLocale: (locale) => {
      i18n.locale.value = locale;
      prefs.write('locale', locale);
    },
    t: i18n.t,
    words: computed(() => words[i18n.locale.value]),
    // The zone is the shop's: a laptop set to another zone still shows when the customer will come.
    format: computed(() => createFormatters(i18n.locale.value, session.value?.shop.timeZone)),
    now: computed(() => tick.value + contact.skewMs.value),
    gate,
    session,
    sync,
    newBuild,
    enter,
    signOut: async () => {
      await api.signOut().catch(() => undefined);
      await askAtDoor(false);
    },
    start: () => {
      browser.setInterval(() => {
        tick.value = clock();
      }, 1_000);
      browser.addEventListener('offline', () => {
        if (browser.location.hostname !== 'localhost' && browser.location.hostname !== '127.0.0.1') contact.silent();
      });
      void begin();
    },
  };
}

function storageOf(browser: Window): Storage | null {
  try {
    return browser.localStorage;
  } catch {
    return null;
  }
}
