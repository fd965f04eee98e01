import type { Database } from '@sgp/service-kit/database';
import { AppError } from '@sgp/shared/errors';
import { addProduction } from './order-changes.ts';
import type { OrderStore } from './order-store.ts';
import type { OrderWriter } from './order-writer.ts';

/** What machines need of orders. */
export type OrderPort = {
  /** By number, by id, or by a scanned text that contains the address of the order's link. Null when there is none. */
  find(ref: string): Promise<{ orderId: string; number: string; customer: string } | null>;
  /**
   * Adds what a machine counted to the order: a new version, its outbox row and its event. A repeat of the same message
   * changes nothing.
   * @throws AppError NOT_FOUND
   */
  recordProduction(count: ProductionCount): Promise<void>;
};

export type ProductionCount = {
  readonly machineId: string;
  readonly messageId: string;
  readonly orderId: string;
  readonly good: number;
  readonly scrap: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly machineName: string;
};

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const linkPattern = /\/p\/([A-Za-z0-9_-]{22})(?![A-Za-z0-9_-])/;
const numberPattern = /^[0-9A-Z-]{1,20}$/;

export function createOrderPort(deps: {
  readonly db: Database;
  readonly orders: Pick<OrderStore, 'findId' | 'load'>;
  readonly writer: OrderWriter;
}): OrderPort {
  const { db, orders, writer } = deps;
  const findId = async (ref: string): Promise<string | null> => {
    const text = ref.trim();
    const linkToken = linkPattern.exec(text)?.[1];
    if (linkToken !== undefined) return orders.findId(db, { linkToken });
    if (uuidPattern.test(text)) return orders.findId(db, { orderId: text });
    const number = text.replace(/^#/, '').toUpperCase();
    return numberPattern.test(number) ? orders.findId(db, { number }) : null;
  };
  return {
    async find(ref) {
      const orderId = await findId(ref);
      const order = orderId === null ? null : await orders.load(db, orderId);
      return order && { orderId: order.orderId, number: order.number, customer: order.customer.name };
    },
    recordProduction: (count) =>
      writer.transaction(async ({ tx, change }) => {
        if ((await orders.findId(tx, { orderId: count.orderId })) === null)
          throw new AppError('NOT_FOUND', 'There is no such order; what was counted for it stays with the machine.');
        const inserted = await tx('production_counts')
          .insert({
            machine_id: count.machineId,
            message_id: count.messageId,
            order_id: count.orderId,
            good: count.good,
            scrap: count.scrap,
            at: count.at,
            machine_name: count.machineName,
          })
          .onConflict(['machine_id', 'message_id'])
          .ignore()
          .returning('message_id');
        if (inserted.length === 0 || count.good + count.scrap === 0) return;
        const actor = { userId: null, who: count.machineName, address: null };
        await change(count.orderId, actor, null, (order) => addProduction(order, count));
      }),
  };
}
