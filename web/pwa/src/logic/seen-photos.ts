/**
 * Photos that were shown before the service worker took the page over on the first visit. It saw none of them pass, so
 * they are asked for once more through it; the browser still has them, so no byte travels twice.
 */
export type SeenPhotos = {
  add(address: string): void;
  /** Call once the service worker controls the page. */
  keep(): void;
};

export function createSeenPhotos(fetch: (address: string) => Promise<unknown>, controlled: () => boolean): SeenPhotos {
  const waiting = new Set<string>();
  return {
    add(address) {
      if (!controlled()) waiting.add(address);
    },
    keep() {
      // One that cannot be fetched again is not kept, and that is all there is to it.
      for (const address of waiting) fetch(address).catch(() => {});
      waiting.clear();
    },
  };
}
