/** Name of the cache that the service worker keeps photos in. */
export const photosCache = 'photos';

/** Removes the photos of an order from this device: its link is dead, or its owner asked. */
export async function forgetPhotos(mediaIds: readonly string[]): Promise<void> {
  if (!('caches' in globalThis)) return;
  const cache = await caches.open(photosCache);
  for (const request of await cache.keys()) {
    if (mediaIds.some((mediaId) => request.url.includes(`/${mediaId}/`))) await cache.delete(request);
  }
}
