import type { Database } from '@sgp/service-kit/database';
import type { putSettingsBody, Settings } from '@sgp/shared/api/shop';
import { AppError } from '@sgp/shared/errors';
import type * as z from 'zod';
import { type Actor, type AuditStore, difference, refreshed } from '../audit/audit-store.ts';
import type { OrderRecord } from '../orders/order-record.ts';
import type { OrderStore } from '../orders/order-store.ts';
import type { OrderWriter } from '../orders/order-writer.ts';
import type { ShopStore } from './shop-store.ts';

export type SettingsService = {
  read(): Promise<Settings>;
  /**
   * Open orders get new versions when what changed is in their snapshots: the shop's data or their stage's label.
   * @throws AppError BODY_INVALID for an unknown stage or time zone
   */
  write(body: z.infer<typeof putSettingsBody>, actor: Actor): Promise<Settings>;
};

export function createSettingsService(deps: {
  readonly db: Database;
  readonly shop: ShopStore;
  readonly orders: Pick<OrderStore, 'openIds'>;
  readonly writer: OrderWriter;
  readonly audit: Pick<AuditStore, 'append'>;
  /** Called after the settings were written, so that who keeps a copy (the floor's time zone) reads it again. */
  readonly onChanged: (settings: Settings) => void;
}): SettingsService {
  const { db, shop, orders, writer, audit } = deps;
  const read = async (tx: Database): Promise<Settings> => ({
    shop: await shop.read(tx),
    stages: [...(await shop.stages(tx))],
  });
  return {
    read: () => read(db),
    async write(body, actor) {
      if (body.shop && !isTimeZone(body.shop.timeZone)) throw invalid('shop.timeZone', 'This is no IANA time zone.');
      const settings = await writer.transaction(async ({ tx, change }) => {
        const before = await read(tx);
        const unknown = body.stageLabels?.find(({ key }) => !before.stages.some((stage) => stage.key === key));
        if (unknown) throw invalid('stageLabels', `There is no stage ${unknown.key}.`);
        if (body.shop) await shop.write(tx, body.shop);
        for (const { key, label } of body.stageLabels ?? []) await shop.relabel(tx, key, label);
        const after = await read(tx);
        const changed = difference(before, after);
        if (Object.keys(changed.after).length === 0) return after;
        await audit.append(tx, {
          at: Date.now(),
          actor,
          entity: 'settings',
          entityId: 'shop',
          action: 'edited',
          summary: {},
          ...changed,
        });
        const labels = new Map(after.stages.map((stage) => [stage.key, stage.label]));
        const shopChanged = JSON.stringify(before.shop) !== JSON.stringify(after.shop);
        for (const orderId of await orders.openIds(tx))
          await change(orderId, actor, null, (order) => refresh(order, labels.get(order.stage.key), shopChanged));
        return after;
      });
      deps.onChanged(settings);
      return settings;
    },
  };
}

function refresh(order: OrderRecord, label: string = order.stage.label, shopChanged: boolean) {
  if (!shopChanged && label === order.stage.label) return null;
  return { order: { ...order, stage: { ...order.stage, label } }, kind: refreshed, facts: { because: 'settings' } };
}

const invalid = (path: string, message: string): AppError =>
  new AppError('BODY_INVALID', `${message} Nothing was changed.`, { details: { issues: [{ path, message }] } });

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
