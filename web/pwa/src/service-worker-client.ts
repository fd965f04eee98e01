import { Workbox } from 'workbox-window';
import type { App } from './app-services.ts';

const checkEveryMs = 60 * 60 * 1000;

/** Registers the service worker. A new version is offered and never forced: the page reloads when the person says so. */
export function registerServiceWorker({ update, seenPhotos }: Pick<App, 'update' | 'seenPhotos'>): void {
  const worker = new Workbox('/sw.js');
  let wanted = false;
  worker.addEventListener('controlling', () => {
    seenPhotos.keep();
    if (wanted) location.reload();
  });
  worker.addEventListener('waiting', () => {
    update.value = () => {
      wanted = true;
      worker.messageSkipWaiting();
    };
  });
  const check = (): void => {
    worker.update().catch(() => {}); // without network there is nothing new; the next check comes
  };
  worker
    .register()
    .then(() => {
      // On the home screen the copy is there to stay; a page in a tab has no claim on the disk.
      if (matchMedia('(display-mode: standalone)').matches) void navigator.storage?.persist();
      setInterval(check, checkEveryMs);
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'visible') check();
      });
    })
    .catch((error: unknown) => console.warn('The page will not open without the Internet:', error));
}
