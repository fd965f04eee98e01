import type { Database } from '@sgp/service-kit/database';
import type { Say } from '../streams/say.ts';

/** Tells the Core how a customer is called, as the row stands in this transaction. Phone, mail, tax id and note stay in the shop. */
export const createCustomerStream =
  (say: Say) =>
  async (tx: Database, customerId: string): Promise<void> => {
    const [row] = await tx('customers')
      .where({ customer_id: customerId })
      .increment('sync_version', 1)
      .returning(['name', 'first_name', 'created_at', 'sync_version']);
    await say(tx, {
      stream: 'customers',
      entityId: customerId,
      version: row.sync_version,
      payload: { customerId, name: row.name, firstName: row.first_name, createdAt: row.created_at },
    });
  };
