import type { Database } from '@sgp/service-kit/database';
import type { Hlc } from '@sgp/shared/clock';
import type { auditPayloadSchema, Conflict } from '@sgp/shared/sync-payloads';
import type * as z from 'zod';
import type { DownEntry } from '../downlink/down-changes.ts';
import { conflictDown, findConflict, type LedgerEntry, resolvedEntry, writeEntries } from './conflict-ledger.ts';

type AuditPayload = z.infer<typeof auditPayloadSchema>;

/** What somebody in a shop said about an entry of the ledger. */
export type ShopDecision = {
  readonly conflictId: string;
  readonly resolution: NonNullable<Conflict['resolution']>;
  readonly who: string;
};

/** A shop's audit trail tells who decided what; of a decision on a conflict the Core takes note in its own ledger. */
export function decisionOf({ entity, entityId, action, who }: AuditPayload): ShopDecision | null {
  const isDecision = entity === 'conflict' && (action === 'kept' || action === 'restored');
  return isDecision ? { conflictId: entityId, resolution: action, who } : null;
}

/**
 * Closes entries that a shop decided, under the company's lock. The first person's decision stands; what merely settled
 * itself is no person's. A shop decides only what it hears of.
 * @returns what has to go down
 */
export async function takeDecisions(
  tx: Database,
  companyId: string,
  decisions: readonly ShopDecision[],
  at: { readonly origin: string; readonly nowMs: number; readonly stamp: Hlc },
): Promise<readonly DownEntry[]> {
  const closed = new Map<string, LedgerEntry>();
  for (const { conflictId, resolution, who } of decisions) {
    const entry = closed.has(conflictId) ? null : await findConflict(tx, companyId, conflictId);
    if (entry === null || entry.conflict.resolvedBy !== undefined) continue;
    if (!entry.establishmentIds.includes(at.origin)) continue;
    closed.set(conflictId, resolvedEntry(entry, resolution, at, who));
  }
  const entries = [...closed.values()];
  await writeEntries(tx, companyId, entries);
  return entries.map(conflictDown);
}
