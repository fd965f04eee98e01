import type { HistoryEntry, Media, Order, OrderSummary } from '@sgp/shared/api/orders';
import { limits } from '@sgp/shared/limits';
import type { HistoryRow } from '../audit/audit-store.ts';
import type { MediaRecord, OrderLink, OrderRecord } from './order-record.ts';

/** An order as its page shows it. */
export function toOrder(
  summary: OrderSummary,
  record: OrderRecord,
  history: readonly HistoryRow[],
  trackingBaseUrl: string,
): Order {
  return {
    ...summary,
    items: record.items.map(({ good, scrap, spec, ...item }) => ({
      ...item,
      spec: [...spec],
      produced: { good, scrap },
    })),
    discountCents: record.discountCents,
    note: record.note,
    dates: { createdAt: record.createdAt, ...record.moments, promiseChanges: [...record.promiseChanges] },
    timeline: record.timeline.slice(-limits.orderTimelineMax),
    media: record.media.map(toMedia),
    link: toLink(record.link, trackingBaseUrl),
    history: history.map(toHistoryEntry),
  };
}

export const toMedia = ({ keys: _keys, createdAt: _createdAt, ...media }: MediaRecord): Media => media;

/** A revoked link is none: its address opens nothing. */
const toLink = (link: OrderLink | null, trackingBaseUrl: string): Order['link'] =>
  link && link.revokedAt === null ? { url: `${trackingBaseUrl}/p/${link.token}`, expiresAt: link.expiresAt } : null;

const toHistoryEntry = ({ at, who, action, summary }: HistoryRow): HistoryEntry => ({
  at,
  who,
  kind: action as HistoryEntry['kind'],
  data: { ...summary },
});
