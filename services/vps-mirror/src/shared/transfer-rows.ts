import type { Database } from '@sgp/service-kit/database';
import { type Hlc, hlcParse } from '@sgp/shared/clock';
import type { Movement, Transfer } from '@sgp/shared/sync-payloads';
import { transferAfterMovement } from '@sgp/sync-engine/stock';
import { type DownEntry, nextStep } from '../downlink/down-changes.ts';

export type StoredTransfer = { readonly transfer: Transfer; readonly version: number; readonly updatedAt: Hlc };

type Row = { readonly transfer_id: string; version: number; updated_at: Hlc; doc: string };
export const toTransfer = (row: Row): StoredTransfer => ({
  transfer: JSON.parse(row.doc) as Transfer,
  version: row.version,
  updatedAt: row.updated_at,
});

/** Both establishments hear of each step: one does it, the other waits for it. */
export const transferDown = ({ transfer, version, updatedAt }: StoredTransfer): DownEntry => ({
  stream: 'transfers',
  entityId: transfer.transferId,
  version,
  updatedAt,
  payload: transfer,
  to: [transfer.fromEstablishmentId, transfer.toEstablishmentId],
});

/** The next state of a transfer, with its next version. */
export const nextTransfer = (
  transfer: Transfer,
  before: StoredTransfer | undefined,
  at: { readonly nowMs: number; readonly stamp: Hlc },
): StoredTransfer => ({ transfer, ...nextStep(before, at) });

export async function lockTransfers(
  tx: Database,
  companyId: string,
  transferIds: readonly string[],
): Promise<ReadonlyMap<string, StoredTransfer>> {
  const rows: readonly Row[] = await tx('transfers')
    .where({ company_id: companyId })
    .whereIn('transfer_id', [...transferIds])
    .orderBy('transfer_id')
    .forUpdate();
  return new Map(rows.map((row) => [row.transfer_id, toTransfer(row)]));
}

/** In the order of their ids, which is that of their birth. */
export async function listTransfers(
  db: Database,
  companyId: string,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly StoredTransfer[]> {
  const rows: readonly Row[] = await db('transfers')
    .where({ company_id: companyId })
    .where('transfer_id', '>', after ?? '')
    .orderBy('transfer_id')
    .limit(limit);
  return rows.map(toTransfer);
}

export async function writeTransfers(
  tx: Database,
  companyId: string,
  transfers: readonly StoredTransfer[],
): Promise<void> {
  if (transfers.length === 0) return;
  const rows = transfers.map(({ transfer, version, updatedAt }) => ({
    company_id: companyId,
    transfer_id: transfer.transferId,
    from_establishment_id: transfer.fromEstablishmentId,
    to_establishment_id: transfer.toEstablishmentId,
    state: transfer.state,
    changed_at: hlcParse(updatedAt).ms,
    version,
    updated_at: updatedAt,
    doc: JSON.stringify(transfer),
  }));
  await tx('transfers').insert(rows).onConflict(['company_id', 'transfer_id']).merge();
}

/**
 * Brings transfers on by an establishment's movements, under the company's lock.
 * @returns what has to go down, and the movements that fit no transfer
 */
export async function moveTransfers(
  tx: Database,
  companyId: string,
  movements: readonly Movement[],
  at: { readonly origin: string; readonly nowMs: number; readonly stamp: Hlc },
): Promise<{ readonly entries: readonly DownEntry[]; readonly refused: readonly Movement[] }> {
  const ids = [...new Set(movements.map(({ transferId }) => transferId).filter((id) => id !== undefined))];
  const before = await lockTransfers(tx, companyId, ids);
  const after = new Map<string, Transfer>();
  const refused: Movement[] = [];
  for (const movement of movements) {
    const id = movement.transferId ?? '';
    const standing = after.get(id) ?? before.get(id)?.transfer;
    const step = standing && transferAfterMovement(standing, movement, at.origin);
    if (step?.outcome === 'changed') after.set(id, step.transfer);
    if (step === undefined || step.outcome === 'refused') refused.push(movement);
  }
  const stored = [...after].map(([id, transfer]) => nextTransfer(transfer, before.get(id), at));
  await writeTransfers(tx, companyId, stored);
  return { entries: stored.map(transferDown), refused };
}
