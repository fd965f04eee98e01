import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { CompanyEntity } from '@sgp/shared/api/company';
import { hlcParse } from '@sgp/shared/clock';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { Conflict, FieldEdit, SharedKind } from '@sgp/shared/sync-payloads';
import { sharedOf } from '@sgp/sync-engine/merge';
import { editFault, mayWrite, ruleOf } from '@sgp/sync-engine/ownership';
import type { DownEntry } from '../downlink/down-changes.ts';
import type { CoreClock } from '../shared/core-clock.ts';
import { findEntity, mergeEdits, type StoredEntity } from '../shared/merge-edits.ts';

export const entityView = ({ entity, version }: StoredEntity): CompanyEntity => ({ ...sharedOf(entity), version });

export type CoreWrite = {
  readonly kind: SharedKind;
  readonly entityId: string;
  readonly fields: FieldEdit['fields'];
  readonly who: string;
};

/**
 * Writes fields of a shared entity at the Core, under the company's lock, by the same merge as what the shops write.
 * @throws AppError BODY_INVALID for what is no such field or value, SCOPE_MISSING for a field that the shop owns
 */
export async function writeFields(
  tx: Database,
  companyId: string,
  { kind, entityId, fields, who }: CoreWrite,
  { clock, nowMs }: { readonly clock: CoreClock; readonly nowMs: number },
): Promise<{ readonly entries: readonly DownEntry[]; readonly stored: StoredEntity; readonly conflicts: Conflict[] }> {
  const seen = Object.values(fields).map(({ saw }) => saw);
  // A stamp from the future would drag the Core's clock along, and with it everybody's.
  if (seen.some((saw) => saw !== null && hlcParse(saw).ms > nowMs + limits.hlcSkewMaxMs))
    throw new AppError('BODY_INVALID', 'A stamp that was seen lies in the future; nothing was changed.');
  const at = clock.stamp(seen);
  const edit: FieldEdit = { editId: newId(), kind, entityId, at, who, fields };
  const fault = Object.keys(fields).length === 0 ? 'no field is named' : editFault(edit);
  if (fault !== null) throw new AppError('BODY_INVALID', `${fault}; nothing was changed.`);
  for (const field of Object.keys(fields)) {
    const rule = ruleOf(kind, field);
    if (rule && !mayWrite(rule, 'core'))
      throw new AppError('SCOPE_MISSING', `${field} is written in the shop only; nothing was changed.`);
  }
  const entries = await mergeEdits(tx, companyId, [edit], { origin: null, nowMs, stamp: at });
  const conflicts = entries.filter(({ stream }) => stream === 'conflicts').map(({ payload }) => payload as Conflict);
  return { entries, conflicts, stored: (await findEntity(tx, companyId, kind, entityId)) as StoredEntity };
}
