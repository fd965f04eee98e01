import type { Database } from '@sgp/service-kit/database';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';

/** What a company calls an establishment, else what the shop calls itself on its orders. */
export async function nameOf(db: Database, companyId: string, establishmentId: string): Promise<string | null> {
  const of = { company_id: companyId, establishment_id: establishmentId };
  const given = await db('establishment_names').where(of).first('name');
  if (given) return given.name;
  const order = await db('orders').where(of).first('doc');
  return order ? (JSON.parse(order.doc) as OrderSnapshot).shop.name : null;
}
