import type { Database } from '@sgp/service-kit/database';
import type { BlockSubject } from '@sgp/shared/api/catalogue';

/** What a thing is called in this shop, or null when the shop does not have it. */
export async function nameOf(db: Database, subject: BlockSubject, entityId: string): Promise<string | null> {
  if (subject === 'customer')
    return (await db('customers').where({ customer_id: entityId }).first('name'))?.name ?? null;
  if (subject === 'machine') return (await db('machines').where({ machine_id: entityId }).first('name'))?.name ?? null;
  const row = await db('shared_entities').where({ kind: 'catalogue', entity_id: entityId }).first('doc');
  return row ? (JSON.parse(row.doc).fields.name?.value ?? '') : null;
}
