import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@sgp/service-kit/log';
import type { OrderPort } from '../orders/order-port.ts';
import type { OrderTie } from './status.ts';

export type OrderLookup = {
  /** Looks up all texts of a batch, before its transaction begins. */
  lookUp(refs: readonly string[]): Promise<(ref: string) => OrderTie | null>;
};

const tries = 3;
const betweenTriesMs = 50;

/**
 * Asks for the orders that a batch names. A text at which the search itself fails again and again counts as not found:
 * the message is kept, and the ones behind it are not held up.
 */
export function createOrderLookup(orders: Pick<OrderPort, 'find'>, log: Pick<Log, 'error'>): OrderLookup {
  const find = async (ref: string): Promise<OrderTie | null> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await orders.find(ref);
      } catch (err) {
        if (attempt >= tries) {
          log.error({ err }, 'an order that a machine named could not be looked up');
          return null;
        }
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
