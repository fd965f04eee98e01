import type { Bus } from '@sgp/service-kit/bus';
import type { Log } from '@sgp/service-kit/log';
import { topics } from '@sgp/shared/topics';
import type { ShopHub } from '../shop/shop-hub.ts';
import type { WrittenOrder } from './order-writer.ts';

/**
 * Tells that an order has a new version: the doorbell to the bridge first, then the screens, then the bus. None of it is
 * needed for the version to arrive: the outbox is polled, screens read afresh, and the database is the truth.
 */
export function createOrderNews(deps: {
  readonly bus: Pick<Bus, 'publish' | 'connected'>;
  readonly hub: ShopHub;
  readonly est: string;
  readonly log: Pick<Log, 'debug'>;
}): (written: WrittenOrder) => void {
  const { bus, hub, est, log } = deps;
  const tell = (topic: string, message: unknown, qos: 0 | 1): void => {
    // Not queued for later: after an outage there are newer ones, and a queue without a limit would grow.
    if (!bus.connected) return;
    bus.publish(topic, message, { qos }).catch((err: unknown) => log.debug({ err, topic }, 'bus message not sent'));
  };
  return ({ order, snapshot, seq }) => {
    tell(topics.outbox(est), { seq }, 0);
    hub.send('order.changed', {
      orderId: order.orderId,
      number: order.number,
      version: order.version,
      stageKey: order.stage.key,
      status: order.status,
    });
    tell(topics.order(est, order.orderId), snapshot, 1);
  };
}
