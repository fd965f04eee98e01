import type { Bus } from '@sgp/service-kit/bus';
import type { Log } from '@sgp/service-kit/log';
import type { MediaDeleted, MediaUploaded } from '@sgp/shared/floor-messages';
import { topics } from '@sgp/shared/topics';
import type { MediaRecord } from '../orders/order-record.ts';
import type { ShopHub } from '../shop/shop-hub.ts';

/** Tells media-sync that an original waits or that a photo is gone, and the screens that a photo's state changed. */
export type MediaNews = {
  uploaded(media: MediaRecord): void;
  deleted(media: MediaDeleted): void;
  changed(media: Pick<MediaRecord, 'mediaId' | 'orderId'>, state: MediaRecord['state'] | 'deleted'): void;
};

export function createMediaNews(deps: {
  readonly bus: Pick<Bus, 'publish' | 'connected'>;
  readonly hub: ShopHub;
  readonly est: string;
  readonly log: Pick<Log, 'debug'>;
}): MediaNews {
  const { bus, hub, est, log } = deps;
  const announce = (topic: string, message: MediaUploaded | MediaDeleted): void => {
    // Not queued in memory: everything unfinished is announced at each connect and every minute.
    if (!bus.connected) return;
    bus
      .publish(topic, message, { qos: 1 })
      .catch((err: unknown) => log.debug({ err, topic, mediaId: message.mediaId }, 'not announced'));
  };
  return {
    uploaded: ({ mediaId, orderId, sizeBytes }) =>
      announce(topics.mediaUploaded(est), { mediaId, orderId, file: mediaId, sizeBytes }),
    deleted: ({ mediaId, orderId }) => announce(topics.mediaDeleted(est), { mediaId, orderId }),
    changed: ({ mediaId, orderId }, state) => hub.send('media.changed', { mediaId, orderId, state }),
  };
}
