import type { BusMessage } from '@sgp/service-kit/bus-intake';
import type { Log } from '@sgp/service-kit/log';
import {
  type MediaDeleted,
  type MediaUploaded,
  mediaDeletedSchema,
  mediaUploadedSchema,
} from '@sgp/shared/floor-messages';
import { topics } from '@sgp/shared/topics';
import type * as z from 'zod';
import type { MediaMetrics } from '../media-metrics.ts';
import type { PhotoStore } from './photo-store.ts';

/**
 * Stores announced uploads and removals; the broker is acknowledged afterwards. What does not fit the contract is logged and let go:
 * it would come again for ever, and production-api announces what is open anew by itself.
 */
export function createMediaIntake(deps: {
  readonly photos: Pick<PhotoStore, 'receive' | 'receiveDeleted'>;
  readonly est: string;
  readonly metrics: Pick<MediaMetrics, 'received'>;
  readonly log: Pick<Log, 'warn'>;
  readonly onReceived: () => void;
}): (batch: readonly BusMessage[]) => Promise<void> {
  const { photos, est, log } = deps;
  return async (batch) => {
    const uploads = parseAll<MediaUploaded>(batch, topics.mediaUploaded(est), mediaUploadedSchema);
    const removals = parseAll<MediaDeleted>(batch, topics.mediaDeleted(est), mediaDeletedSchema);
    const unfit = batch.length - uploads.length - removals.length;
    if (unfit > 0) log.warn({ messages: unfit }, 'news of photos that do not fit the contract');
    if (uploads.length > 0) await photos.receive(uploads, Date.now());
    // Afterwards, whatever their order was: nothing that is said of a photo undoes its removal.
    if (removals.length > 0) await photos.receiveDeleted(removals, Date.now());
    deps.metrics.received.inc(uploads.length);
    if (uploads.length + removals.length > 0) deps.onReceived();
  };
}

function parseAll<Message>(batch: readonly BusMessage[], topic: string, schema: z.ZodType<Message>): Message[] {
  return batch.filter((message) => message.topic === topic).flatMap(({ payload }) => parse(payload, schema) ?? []);
}

function parse<Message>(payload: Buffer, schema: z.ZodType<Message>): Message | null {
  try {
    return schema.safeParse(JSON.parse(payload.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
