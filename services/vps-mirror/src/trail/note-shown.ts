import type { Log } from '@sgp/service-kit/log';
import type { LinkedOrder } from '../orders/order-store.ts';
import type { TrailStore } from './trail-store.ts';

export type NoteShownDeps = {
  readonly trail: Pick<TrailStore, 'shown'>;
  readonly log: Pick<Log, 'warn'>;
  readonly now: () => number;
};

/** Notes the first time that a version is served to its customer; a failure is never the customer's. */
export async function noteShown({ trail, log, now }: NoteShownDeps, { link, shown }: LinkedOrder): Promise<void> {
  if (shown) return;
  try {
    await trail.shown(link.order, link.version, now());
  } catch (err) {
    log.warn({ err }, 'the first showing of an order could not be noted; the next one is');
  }
}
