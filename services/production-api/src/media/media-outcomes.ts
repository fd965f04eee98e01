import type { Log } from '@sgp/service-kit/log';
import { type MediaPublished, mediaPublishedSchema } from '@sgp/shared/floor-messages';
import { type Actor, refreshed } from '../audit/audit-store.ts';
import type { MediaRecord } from '../orders/order-record.ts';
import type { OrderWriter } from '../orders/order-writer.ts';
import type { DeletedMediaStore } from './deleted-media-store.ts';
import type { MediaNews } from './media-news.ts';
import type { MediaStore } from './media-store.ts';

/** What media-sync says of its work, as the bus brings it. */
export type OutcomeMessage = { readonly topic: string; readonly payload: Buffer };

const mediaSync: Actor = { userId: null, who: 'media-sync', address: null };

/**
 * Stores a batch of outcomes in one transaction; each order whose photos were published gets one new version. A repeat,
 * or an outcome that came late, changes nothing. What is no outcome is logged and left out: it must not hold up the rest.
 */
export function createMediaOutcomes(deps: {
  readonly media: Pick<MediaStore, 'find' | 'update'>;
  readonly deleted: Pick<DeletedMediaStore, 'confirm'>;
  readonly writer: OrderWriter;
  readonly news: Pick<MediaNews, 'changed'>;
  readonly log: Pick<Log, 'warn'>;
}): (batch: readonly OutcomeMessage[]) => Promise<void> {
  const { media, deleted, writer, news, log } = deps;
  const parse = ({ topic, payload }: OutcomeMessage): MediaPublished[] => {
    try {
      return [mediaPublishedSchema.parse(JSON.parse(payload.toString('utf8')))];
    } catch (err) {
      log.warn({ err, topic }, 'this is no outcome of a photo: left out');
      return [];
    }
  };
  return async (batch) => {
    const outcomes = batch.flatMap(parse);
    if (outcomes.length === 0) return;
    const changed = await writer.transaction(async ({ tx, change }) => {
      const told: MediaRecord[] = [];
      const publishedByOrder = new Map<string, number>();
      for (const outcome of outcomes) {
        if (outcome.outcome === 'deleted') {
          await deleted.confirm(tx, outcome.mediaId);
          continue;
        }
        const before = await media.find(tx, outcome.mediaId);
        const after = before && applyOutcome(before, outcome);
        if (!after) continue;
        await media.update(tx, before, after);
        told.push(after);
        if (after.state === 'published')
          publishedByOrder.set(after.orderId, (publishedByOrder.get(after.orderId) ?? 0) + 1);
      }
      for (const [orderId, photos] of [...publishedByOrder].sort())
        await change(orderId, mediaSync, null, (order) => ({
          order,
          kind: refreshed,
          facts: { because: 'photos published', photos },
        }));
      return told;
    });
    for (const record of changed) news.changed(record, record.state);
  };
}

/** The photo after the outcome; null when it tells nothing new. */
export function applyOutcome(
  media: MediaRecord,
  outcome: Exclude<MediaPublished, { outcome: 'deleted' }>,
): MediaRecord | null {
  if (media.state === 'uploading') return null;
  switch (outcome.outcome) {
    case 'refused':
      if (media.state === 'published' || media.state === 'refused') return null;
      return { ...media, state: 'refused', error: { code: outcome.code, detail: outcome.detail } };
    case 'derived':
      if (media.state === 'derived' || media.state === 'published') return null;
      return { ...media, ...picture(media, outcome), state: 'derived', error: null };
    case 'published':
      if (media.state === 'published' && JSON.stringify(media.keys) === JSON.stringify(outcome.keys)) return null;
      return { ...media, ...picture(media, outcome), state: 'published', keys: outcome.keys, error: null };
  }
}

const picture = (
  media: MediaRecord,
  { width, height, thumbhash, takenAt }: Extract<MediaPublished, { outcome: 'derived' | 'published' }>,
): Pick<MediaRecord, 'width' | 'height' | 'thumbhash' | 'takenAt'> => ({
  width,
  height,
  thumbhash,
  takenAt: takenAt ?? media.takenAt,
});
