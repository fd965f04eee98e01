import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderPort } from '../orders/order-port.ts';
import type { OrderTie } from './status.ts';

export type OrderLookup = {
  /** Looks up all texts of a batch, before its transaction begins. Rejects when the search fails again and again. */
  lookUp(refs: readonly string[]): Promise<(ref: string) => OrderTie | null>;
};

const tries = 3;
const betweenTriesMs = 50;

/**
 * Asks for the orders that a batch names. A search that fails is not an order that is not there: pieces would be counted
 * for no order, for good.
 */
export function createOrderLookup(orders: Pick<OrderPort, 'find'>): OrderLookup {
  const find = async (ref: string): Promise<OrderTie | null> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await orders.find(ref);
      } catch (error) {
        if (attempt >= tries) throw error;
        await sleep(betweenTriesMs);
      }
    }
  };
  return {
    async lookUp(refs) {
      const found = new Map<string, OrderTie | null>();
      for (const ref of new Set(refs)) found.set(ref, await find(ref));
      return (ref) => found.get(ref) ?? null;
    },
  };
}
