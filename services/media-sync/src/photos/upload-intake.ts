import type { BusMessage } from '@sgp/service-kit/bus-intake';
import type { Log } from '@sgp/service-kit/log';
import { type MediaUploaded, mediaUploadedSchema } from '@sgp/shared/floor-messages';
import type { MediaMetrics } from '../media-metrics.ts';
import type { PhotoStore } from './photo-store.ts';

/**
 * Stores announced uploads; the broker is acknowledged afterwards. What does not fit the contract is logged and let go:
 * it would come again for ever, and production-api announces what is open anew by itself.
 */
export function createUploadIntake(deps: {
  readonly photos: Pick<PhotoStore, 'receive'>;
  readonly metrics: Pick<MediaMetrics, 'received'>;
  readonly log: Pick<Log, 'warn'>;
  readonly onReceived: () => void;
}): (batch: readonly BusMessage[]) => Promise<void> {
  return async (batch) => {
    const uploads = batch.map((message) => parse(message)).filter((upload) => upload !== null);
    if (uploads.length < batch.length)
      deps.log.warn({ messages: batch.length - uploads.length }, 'announced uploads that do not fit the contract');
    if (uploads.length === 0) return;
    await deps.photos.receive(uploads, Date.now());
    deps.metrics.received.inc(uploads.length);
    deps.onReceived();
  };
}

function parse({ payload }: BusMessage): MediaUploaded | null {
  try {
    return mediaUploadedSchema.safeParse(JSON.parse(payload.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
