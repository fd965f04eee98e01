import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@sgp/service-kit/log';
import type { OrderTie } from './status.ts';

export type OrderPort = {
  /** Finds an order by number, by id, or by a scanned text that contains the order's QR address. */
  find(ref: string): Promise<OrderTie | null>;
  /** Adds pieces to an order, once for each `(machineId, messageId)`. */
  recordProduction(count: {
    readonly machineId: string;
    readonly messageId: string;
    readonly orderId: string;
    readonly good: number;
    readonly scrap: number;
    readonly at: number;
    readonly machineName: string;
  }): Promise<void>;
};
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
