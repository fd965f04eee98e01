import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';
import type { OrderPort } from '../orders/order-port.ts';

type Row = {
  readonly line_id: number;
  readonly machine_id: string;
  readonly message_id: string;
  readonly order_id: string;
  readonly good: number;
  readonly scrap: number;
  readonly at: number;
  readonly attempts: number;
};

/** Brings counts from telemetry.db to their orders in production.db. */
export type Deliveries = AsyncDisposable & {
  /** There may be something to bring. */
  ring(): void;
};

const batchRows = 100;

/**
 * Each count waits in telemetry.db until its order has it, over crashes too: the order takes it once however often it is
 * brought. A count that is refused is tried again ever more slowly and does not hold up the ones behind it.
 */
export function createDeliveries(deps: {
  readonly db: Database;
  readonly orders: Pick<OrderPort, 'recordProduction'>;
  readonly machineName: (machineId: string) => string;
  readonly log: Pick<Log, 'warn'>;
}): Deliveries {
  let closing = false;
  let asked = false;
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const deliver = async (row: Row): Promise<void> => {
    try {
      await deps.orders.recordProduction({
        machineId: row.machine_id,
        messageId: row.message_id,
        orderId: row.order_id,
        good: row.good,
        scrap: row.scrap,
        at: row.at,
        machineName: deps.machineName(row.machine_id),
      });
    } catch (err) {
      const attempts = row.attempts + 1;
      const waitMs = Math.min(limits.countDeliveryRetryMinMs * 2 ** row.attempts, limits.countDeliveryRetryMaxMs);
      if (row.attempts === 0) deps.log.warn({ err, orderId: row.order_id }, 'a count waits: its order did not take it');
      await deps
        .db('count_deliveries')
        .where({ line_id: row.line_id })
        .update({ attempts, next_at: Date.now() + waitMs });
      return;
    }
    await deps.db('count_deliveries').where({ line_id: row.line_id }).delete();
  };
  const work = async (): Promise<void> => {
    while (!closing) {
      asked = false;
      const rows: Row[] = await deps
        .db('count_deliveries')
        .where('next_at', '<=', Date.now())
        .orderBy('line_id')
        .limit(batchRows);
      for (const row of rows) {
        if (closing) return;
        await deliver(row);
      }
      if (rows.length === 0 && !asked) break;
    }
    const next: { next_at: number } | undefined = await deps.db('count_deliveries').orderBy('next_at').first('next_at');
    if (next && !closing) timer = setTimeout(ring, Math.max(0, next.next_at - Date.now()));
  };
  const ring = (): void => {
    asked = true;
    if (closing || running) return;
    clearTimeout(timer);
    running = work()
      .catch((err) => {
        deps.log.warn({ err }, 'counts could not be read');
        timer = setTimeout(ring, limits.countDeliveryRetryMaxMs);
      })
      .finally(() => {
        running = null;
        if (asked && !closing) ring();
      });
  };
  return {
    ring,
    async [Symbol.asyncDispose]() {
      closing = true;
      clearTimeout(timer);
      await running;
    },
  };
}
