import type { Database } from '@sgp/service-kit/database';
import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { type CompanyConflict, companyConflictSchema, companyConflictsSchema } from '@sgp/shared/api/company';
import { conflictsQuery } from '@sgp/shared/api/conflicts';
import { AppError } from '@sgp/shared/errors';
import { type Conflict, sharedKinds } from '@sgp/shared/sync-payloads';
import {
  conflictDown,
  countOpen,
  findConflict,
  type LedgerEntry,
  listConflicts,
  resolvedEntry,
  writeEntries,
} from '../shared/conflict-ledger.ts';
import { findEntity, type StoredEntity } from '../shared/merge-edits.ts';
import { noteAct } from './audit-log.ts';
import type { CompanyDeps } from './company-deps.ts';
import { companyRoute } from './company-route.ts';
import { conflictView, restoringFields } from './conflict-view.ts';
import { writeFields } from './shared-writes.ts';
import type { CompanyCaller } from './token-store.ts';

/** The ledger of a company: what could not stand beside something else, from all establishments. */
export const conflictRoutes = (deps: CompanyDeps): readonly Route[] => [
  companyRoute(
    {
      method: 'GET',
      path: '/api/company/conflicts',
      summary: 'Conflicts with both versions, newest first',
      tag: 'company',
      access: 'company-read',
      query: conflictsQuery,
      answer: companyConflictsSchema,
    },
    async ({ query, caller: { companyId } }) => {
      const { entries, nextBefore } = await listConflicts(deps.db, companyId, query);
      const conflicts: CompanyConflict[] = [];
      for (const entry of entries) conflicts.push(await view(deps.db, companyId, entry));
      return { conflicts, nextBefore, open: await countOpen(deps.db, companyId) };
    },
  ),
  decisionRoute(deps, 'keep', 'kept', 'What stands is right'),
  decisionRoute(deps, 'restore', 'restored', 'Writes what lost anew, as an act that knew what stands'),
];

const decisionRoute = (
  deps: CompanyDeps,
  name: string,
  resolution: NonNullable<Conflict['resolution']>,
  summary: string,
): Route =>
  companyRoute(
    {
      ...{ method: 'POST', path: `/api/company/conflicts/:id/${name}`, tag: 'company', access: 'company-write' },
      summary,
      params: idParams,
      answer: companyConflictSchema,
    } as const,
    ({ params, caller }) => decide(deps, caller, params.id, resolution),
  );

const standingOf = async (
  tx: Database,
  companyId: string,
  { entity, entityId }: Conflict,
): Promise<StoredEntity | null> => {
  const kind = sharedKinds.find((each) => each === entity);
  return kind === undefined ? null : findEntity(tx, companyId, kind, entityId);
};

const view = async (tx: Database, companyId: string, entry: LedgerEntry): Promise<CompanyConflict> => ({
  ...conflictView(entry.conflict, await standingOf(tx, companyId, entry.conflict)),
  establishmentIds: [...entry.establishmentIds],
});

/** @throws AppError NOT_FOUND, CONFLICT_RESOLVED, CONFLICT_NOT_RESTORABLE */
function decide(
  { down, clock }: CompanyDeps,
  caller: CompanyCaller,
  conflictId: string,
  resolution: NonNullable<Conflict['resolution']>,
): Promise<CompanyConflict> {
  const { companyId, name } = caller;
  return down.inCompany(companyId, async (tx, nowMs) => {
    const entry = await findConflict(tx, companyId, conflictId);
    if (!entry) throw new AppError('NOT_FOUND', 'The company has no such conflict.');
    const { conflict } = entry;
    if (conflict.resolution === resolution) return { entries: [], result: await view(tx, companyId, entry) };
    if (conflict.resolution !== null)
      throw new AppError(
        'CONFLICT_RESOLVED',
        `This conflict was decided: ${conflict.resolution}. Nothing was changed.`,
      );
    const written = resolution === 'restored' ? await restore() : [];
    // The merge may have closed the entry itself: what the person decided is what it says.
    const present = (await findConflict(tx, companyId, conflictId)) ?? entry;
    const decided = resolvedEntry(present, resolution, { nowMs, stamp: clock.stamp([present.updatedAt]) }, name);
    await writeEntries(tx, companyId, [decided]);
    await noteAct(tx, caller, {
      ...{ at: nowMs, entity: 'conflict', entityId: conflictId, action: resolution },
      ...{ before: conflict, after: decided.conflict },
    });
    const others = written.filter(({ entityId }) => entityId !== conflictId);
    return { entries: [...others, conflictDown(decided)], result: await view(tx, companyId, decided) };

    async function restore() {
      const standing = await standingOf(tx, companyId, conflict);
      const fields = restoringFields(conflict, standing);
      if (fields === null || standing === null)
        throw new AppError(
          'CONFLICT_NOT_RESTORABLE',
          'This version cannot be written anew here; it stays listed so that it can be read. Nothing was changed.',
        );
      const { kind, entityId } = standing.entity;
      return (await writeFields(tx, companyId, { kind, entityId, fields, who: name }, { clock, nowMs })).entries;
    }
  });
}
