import type { Metrics } from '@sgp/service-kit/metrics';
import { Counter, Gauge, Histogram } from 'prom-client';
import { photoStates } from './photos/photo.ts';
import type { PhotoStore } from './photos/photo-store.ts';
import type { Gate } from './work/backoff.ts';

/** What media-sync counts, for `/metrics`. */
export type MediaMetrics = ReturnType<typeof createMediaMetrics>;

export function createMediaMetrics(
  { registry }: Metrics,
  deps: { readonly photos: Pick<PhotoStore, 'summary'>; readonly gate: Pick<Gate, 'failures'> },
) {
  const registers = [registry];
  new Gauge({
    name: 'sgp_media_photos',
    help: 'Photos by state',
    labelNames: ['state'],
    registers,
    async collect() {
      const { byState } = await deps.photos.summary();
      for (const state of photoStates) this.set({ state }, byState[state]);
    },
  });
  new Gauge({
    name: 'sgp_media_oldest_pending_seconds',
    help: 'Age of the oldest photo that is not in the store yet; 0 when none waits',
    registers,
    async collect() {
      const { oldestPendingAt } = await deps.photos.summary();
      this.set(oldestPendingAt === null ? 0 : Math.max(0, Date.now() - oldestPendingAt) / 1000);
    },
  });
  new Gauge({
    name: 'sgp_media_store_failures',
    help: 'Failed tries of the store in a row; 0 while it answers',
    registers,
    collect() {
      this.set(deps.gate.failures);
    },
  });
  return {
    received: new Counter({ name: 'sgp_media_received_total', help: 'Announced uploads, repeats included', registers }),
    deriveSeconds: new Histogram({
      name: 'sgp_media_derive_seconds',
      help: 'Time to make the presets of one photo, by outcome',
      labelNames: ['outcome'],
      buckets: [0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    }),
    deriveRetries: new Counter({
      name: 'sgp_media_derive_retries_total',
      help: 'Deriving that is tried again',
      registers,
    }),
    refused: new Counter({
      name: 'sgp_media_refused_total',
      help: 'Photos that cannot be used, by code',
      labelNames: ['code'],
      registers,
    }),
    uploads: new Counter({
      name: 'sgp_media_uploads_total',
      help: 'Objects put into the store, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    uploadBytes: new Counter({ name: 'sgp_media_upload_bytes_total', help: 'Bytes that the store took', registers }),
    publishRetries: new Counter({
      name: 'sgp_media_publish_retries_total',
      help: 'Publishing that is tried again',
      registers,
    }),
    deletions: new Counter({
      name: 'sgp_media_deletions_total',
      help: 'Tries to remove a deleted photo from the store, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    checked: new Counter({
      name: 'sgp_media_checked_total',
      help: 'Published photos asked for in the store',
      registers,
    }),
    forgotten: new Counter({
      name: 'sgp_media_forgotten_total',
      help: 'Published photos that the store lost',
      registers,
    }),
  };
}
