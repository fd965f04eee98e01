import type { Database } from '@sgp/service-kit/database';
import { limits } from '@sgp/shared/limits';
import { createCustomerStream } from '../customers/customer-stream.ts';
import { createMachineStream } from '../machines/machine-stream.ts';
import { inTurn, type Say } from './say.ts';

/** Tells the Core of customers and machines that are older than their streams. A shop that has none left is done at once. */
export async function sayUnsent(db: Database, say: Say): Promise<void> {
  const streams = [
    { table: 'customers', key: 'customer_id', tell: createCustomerStream(say) },
    { table: 'machines', key: 'machine_id', tell: createMachineStream(say) },
  ] as const;
  for (const { table, key, tell } of streams) {
    let left = true;
    while (left)
      left = await inTurn(db, async (tx) => {
        const ids: string[] = await tx(table)
          .where({ sync_version: 0 })
          .orderBy(key)
          .limit(limits.statesPerStep)
          .pluck(key);
        for (const id of ids) await tell(tx, id);
        return ids.length === limits.statesPerStep;
      });
  }
}
