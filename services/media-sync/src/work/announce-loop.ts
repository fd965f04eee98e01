import type { Bus } from '@sgp/service-kit/bus';
import type { Log } from '@sgp/service-kit/log';
import { type MediaPublished, mediaPublishedSchema } from '@sgp/shared/floor-messages';
import { topics } from '@sgp/shared/topics';
import type { Photo } from '../photos/photo.ts';
import type { PhotoStore } from '../photos/photo-store.ts';
import { storageKey, type Tenant } from '../storage/object-store.ts';
import { type Loop, startLoop } from './loop.ts';

export type AnnounceLoopDeps = {
  readonly photos: Pick<PhotoStore, 'nextUnannounced' | 'saveAnnounced'>;
  readonly bus: Pick<Bus, 'publish'>;
  readonly est: string;
  readonly tenant: Tenant;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Ends the wait for a broker that is not there. */
  readonly closing: AbortSignal;
};

/** Tells the bus how each photo stands, at least once: a state counts as told when the broker has acknowledged it. */
export function startAnnounceLoop(deps: AnnounceLoopDeps): Loop {
  const topic = topics.mediaPublished(deps.est);
  const closed = new Promise<'closed'>((resolve) =>
    deps.closing.addEventListener('abort', () => resolve('closed'), { once: true }),
  );
  let busy = false;
  return startLoop<Photo>({
    name: 'announce',
    atOnce: 1,
    log: deps.log,
    async take() {
      const photo = busy ? null : await deps.photos.nextUnannounced();
      if (photo === null) return { job: null, lookAgainAt: null };
      busy = true;
      return { job: photo };
    },
    async work(photo) {
      try {
        const told = deps.bus
          .publish(topic, announcementOf(photo, deps.tenant), { qos: 1 })
          .then(() => 'told' as const);
        // When the process ends the bus is closed, and the message that never went is reported there, to nobody.
        told.catch(() => undefined);
        if ((await Promise.race([told, closed])) === 'told')
          await deps.photos.saveAnnounced(photo.mediaId, photo.state);
      } finally {
        busy = false;
      }
    },
  });
}

/** @throws ZodError when a row does not fit the contract, which is a bug */
function announcementOf(photo: Photo, tenant: Tenant): MediaPublished {
  const { mediaId, derived, refused } = photo;
  if (photo.state === 'deleted') return { outcome: 'deleted', mediaId };
  if (photo.state === 'refused') return mediaPublishedSchema.parse({ outcome: 'refused', mediaId, ...refused });
  const picture = { mediaId, ...derived, sizes: undefined };
  if (photo.state === 'derived') return mediaPublishedSchema.parse({ outcome: 'derived', ...picture });
  const keys = {
    160: storageKey(tenant, mediaId, 160),
    480: storageKey(tenant, mediaId, 480),
    1280: storageKey(tenant, mediaId, 1280),
  };
  return mediaPublishedSchema.parse({ outcome: 'published', ...picture, keys });
}
