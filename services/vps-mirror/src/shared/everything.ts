import type { Database } from '@sgp/service-kit/database';
import { userDown, usersOf } from '../company/user-rows.ts';
import type { DownEntry } from '../downlink/down-changes.ts';
import type { Establishment } from '../downlink/downlink-store.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import { conflictDown, toEntry } from './conflict-ledger.ts';
import { sharedDown, toStored } from './merge-edits.ts';
import { toTransfer, transferDown } from './transfer-rows.ts';

/**
 * All that an establishment must know of its company: for one that is heard of for the first time, or that has to hear it
 * anew. What was finished lately is among it, because such an establishment may still hold it for open.
 */
export async function everythingFor(
  tx: Database,
  { companyId, establishmentId }: Establishment,
  nowMs: number,
): Promise<readonly DownEntry[]> {
  const of = { company_id: companyId };
  const since = nowMs - mirrorLimits.downRetoldDays * 24 * 60 * 60_000;
  const entities = await tx('shared_entities').where(of).orderBy(['kind', 'entity_id']);
  const transfers = await tx('transfers')
    .where(of)
    .where((where) =>
      where.where({ from_establishment_id: establishmentId }).orWhere({ to_establishment_id: establishmentId }),
    )
    .where((where) => where.whereIn('state', ['requested', 'sent']).orWhere('changed_at', '>=', since))
    .orderBy('transfer_id');
  const conflicts = (
    await tx('conflicts')
      .where(of)
      .where((where) => where.whereNull('resolved_at').orWhere('resolved_at', '>=', since))
      .orderBy('at')
  ).map(toEntry);
  return [
    ...(await usersOf(tx, companyId)).map(userDown),
    ...entities.map(toStored).map(sharedDown),
    ...transfers.map(toTransfer).map(transferDown),
    ...conflicts.filter(({ establishmentIds }) => establishmentIds.includes(establishmentId)).map(conflictDown),
  ];
}
