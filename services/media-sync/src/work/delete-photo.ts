import type { MediaFiles } from '../derive/derived-files.ts';
import type { Photo } from '../photos/photo.ts';
import { type ObjectStore, objectKeys, type StoreFault, type Tenant } from '../storage/object-store.ts';

export type DeletePhotoDeps = {
  readonly store: Pick<ObjectStore, 'head' | 'remove'>;
  readonly files: Pick<MediaFiles, 'removeDerived'>;
  readonly tenant: Tenant;
};

/**
 * Removes a photo's thumbnails from the disk and its six objects from the store, which is believed only after HEAD found none.
 * What is gone already is no error, so it can be repeated from any point.
 */
export async function deletePhoto(
  { store, files, tenant }: DeletePhotoDeps,
  { mediaId }: Photo,
): Promise<{ readonly outcome: 'deleted' } | StoreFault> {
  await files.removeDerived(mediaId);
  for (const { name, key } of objectKeys(tenant, mediaId)) {
    const removed = await store.remove(key);
    if (removed.outcome !== 'removed') return removed;
    const known = await store.head(key);
    if (known.outcome !== 'known') return known;
    if (known.sizeBytes !== null)
      return { outcome: 'unavailable', reason: `the store removed ${name} and then still had it` };
  }
  return { outcome: 'deleted' };
}
