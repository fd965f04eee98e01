import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { mediaPresets } from '@sgp/shared/floor-messages';
import type { MediaUrls } from '../media/media-urls.ts';
import type { LinkedOrder } from '../orders/order-store.ts';

/** What the customer sees of an order: nothing of the money, and only the photos that were made visible. */
export async function toTrackedOrder(
  { snapshot, receivedAt }: LinkedOrder,
  mediaUrls: MediaUrls,
): Promise<TrackedOrder> {
  const { approvedAt: _approved, startedAt: _started, ...dates } = snapshot.dates;
  const visible = snapshot.media.filter((media) => media.visible);
  return {
    orderId: snapshot.orderId,
    version: snapshot.version,
    number: snapshot.number,
    firstName: snapshot.customer.firstName,
    status: snapshot.status,
    stage: snapshot.stage,
    items: snapshot.items.map(({ itemId: _, ...item }) => item),
    dates,
    timeline: snapshot.timeline,
    media: await Promise.all(
      visible.map(async ({ keys, visible: _, ...media }) => ({ ...media, urls: await presetUrls(keys, mediaUrls) })),
    ),
    shop: snapshot.shop,
    canUnlock: snapshot.customer.phoneLast4Hash !== undefined,
    receivedAt,
  };
}

type Keys = LinkedOrder['snapshot']['media'][number]['keys'];
type PresetUrls = TrackedOrder['media'][number]['urls'];

async function presetUrls(keys: Keys, mediaUrls: MediaUrls): Promise<PresetUrls> {
  const entries = mediaPresets.map(async (preset) => {
    const [webp, jpg] = await Promise.all([
      mediaUrls.sign(`${keys[preset]}.webp`),
      mediaUrls.sign(`${keys[preset]}.jpg`),
    ]);
    return [String(preset), { webp, jpg }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as PresetUrls;
}
