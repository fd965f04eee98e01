import type { MediaFiles } from '../derive/derived-files.ts';
import type { MediaMetrics } from '../media-metrics.ts';
import { contentTypeOf, type DerivedName, type Photo } from '../photos/photo.ts';
import { type ObjectStore, objectKeys, type StoreFault, type Tenant } from '../storage/object-store.ts';

export type PublishOutcome =
  | { readonly outcome: 'published' }
  /** A derived file is not on the disk as it was written. */
  | { readonly outcome: 'derivedMissing' }
  | StoreFault;

export type PublishDeps = {
  readonly store: ObjectStore;
  readonly files: Pick<MediaFiles, 'readDerived'>;
  readonly tenant: Tenant;
  readonly metrics: Pick<MediaMetrics, 'uploads' | 'uploadBytes'>;
};

/**
 * Puts a photo's six objects into the store and believes it only after HEAD named the right size of each. On a repeat
 * only what is missing travels again.
 */
export async function publishPhoto(deps: PublishDeps, photo: Photo): Promise<PublishOutcome> {
  const sizes = photo.derived?.sizes;
  if (!sizes) return { outcome: 'derivedMissing' };
  for (const { name, key } of objectKeys(deps.tenant, photo.mediaId)) {
    if (photo.publishAttempts > 1) {
      const known = await deps.store.head(key);
      if (known.outcome !== 'known') return known;
      if (known.sizeBytes === sizes[name]) continue;
    }
    const put = await putOne(deps, photo.mediaId, name, key, sizes[name]);
    if (put.outcome !== 'published') return put;
  }
  return { outcome: 'published' };
}

async function putOne(
  { store, files, metrics }: PublishDeps,
  mediaId: string,
  name: DerivedName,
  key: string,
  sizeBytes: number,
): Promise<PublishOutcome> {
  const body = await files.readDerived(mediaId, name, sizeBytes);
  if (body === null) return { outcome: 'derivedMissing' };
  const put = await store.put({ key, body, contentType: contentTypeOf(name) });
  metrics.uploads.inc({ outcome: put.outcome });
  if (put.outcome !== 'stored') return put;
  metrics.uploadBytes.inc(body.length);
  const known = await store.head(key);
  if (known.outcome !== 'known') return known;
  if (known.sizeBytes !== sizeBytes)
    return {
      outcome: 'unavailable',
      reason: `the store took ${name} and then had ${known.sizeBytes ?? 'none'} of its bytes`,
    };
  return { outcome: 'published' };
}
