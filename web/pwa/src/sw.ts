import { ExpirationPlugin } from 'workbox-expiration';
import { matchPrecache, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { CacheFirst } from 'workbox-strategies';
import type { StrategyOptions } from 'workbox-strategies/Strategy.js';
import { photosCache } from './logic/kept-photos.ts';

/** The part of ServiceWorkerGlobalScope (Service Workers §4) that is used; the library `webworker` cannot stand beside `dom`. */
declare const self: {
  readonly __WB_MANIFEST: { url: string; revision: string | null }[];
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'message', listener: (event: MessageEvent<{ type?: string } | undefined>) => void): void;
  addEventListener(type: 'activate', listener: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
};

/** A page that takes longer comes from the device, and its order from the saved copy. */
const pageMaxMs = 3_000;
/** About six photos of each of a few orders, in the two sizes that are shown. */
const photosMax = 60;

// The first visit is already controlled, so that it also works without the Internet afterwards.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
// A later version waits until the person asks for it.
self.addEventListener('message', (event) => {
  if (event.data?.type === 'SKIP_WAITING') void self.skipWaiting();
});

const nothingAfter = (ms: number): Promise<null> => new Promise((resolve) => setTimeout(() => resolve(null), ms));

/** Pages come from the network, since the mirror writes the order's text into them, and without it from the device. */
registerRoute(
  new NavigationRoute(
    async ({ request }) => {
      const response = await Promise.race([fetch(request).catch(() => null), nothingAfter(pageMaxMs)]);
      if (response && response.status < 500) return response;
      return (await matchPrecache('/index.html')) ?? response ?? Response.error();
    },
    { denylist: [/^\/(api|media|internal)\//, /^\/(healthz|readyz|metrics)$/] },
  ),
);

/** A photo's address is `…/{mediaId}/{preset}.{kind}?signature`; what a mediaId shows never changes. */
const photoPath = /\/[0-9a-f-]{36}\/(?:160|480|1280)\.(?:webp|jpg)$/;
const withoutQuery = (address: string): string => {
  const url = new URL(address);
  return url.origin + url.pathname;
};

/** Its own types do not allow for `exactOptionalPropertyTypes`. */
const cap = new ExpirationPlugin({ maxEntries: photosMax, purgeOnQuotaError: true }) as NonNullable<
  StrategyOptions['plugins']
>[number];

registerRoute(
  ({ url }) => photoPath.test(url.pathname),
  new CacheFirst({
    cacheName: photosCache,
    plugins: [
      {
        // Signatures change while the photo stays.
        cacheKeyWillBeUsed: async ({ request }) => withoutQuery(request.url),
        // An answer that cannot be looked into could be an error kept for ever, so a bucket is asked with CORS.
        requestWillFetch: async ({ request }) =>
          new URL(request.url).origin === self.location.origin
            ? request
            : new Request(request.url, { mode: 'cors', credentials: 'omit', referrerPolicy: 'no-referrer' }),
        cacheWillUpdate: async ({ response }) => (response.status === 200 ? response : null),
        // A bucket that allows no CORS shows its photos all the same; they are not kept.
        handlerDidError: async ({ request }) => fetch(request).catch(() => Response.error()),
      },
      cap,
    ],
  }),
);

// The index page is only the fallback above; by this route it would hide what the mirror writes into it.
precacheAndRoute(self.__WB_MANIFEST, { directoryIndex: '', cleanURLs: false });
