import { newId } from '@sgp/service-kit/ids';
import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { companyEntitiesSchema, editBody, editedSchema, newItemBody, pageQuery } from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import type { FieldEdit, SharedKind } from '@sgp/shared/sync-payloads';
import type { MergedEntity } from '@sgp/sync-engine/merge';
import { findEntity, listEntities } from '../shared/merge-edits.ts';
import { noteAct } from './audit-log.ts';
import type { CompanyDeps } from './company-deps.ts';
import { companyRoute } from './company-route.ts';
import { conflictView } from './conflict-view.ts';
import { type CoreWrite, entityView, writeFields } from './shared-writes.ts';
import type { CompanyCaller } from './token-store.ts';

/** The catalogue of a company and what of it is blocked, field by field. */
export const entityRoutes = (deps: CompanyDeps): readonly Route[] => [
  listRoute(deps, 'catalogue', '/api/company/catalogue', 'The catalogue, in the order of the ids'),
  listRoute(deps, 'block', '/api/company/blocks', 'What is or was blocked, in the order of the ids'),
  companyRoute(
    {
      method: 'POST',
      path: '/api/company/catalogue',
      summary: 'Adds an item for all establishments',
      tag: 'company',
      access: 'company-write',
      body: newItemBody,
      answer: editedSchema,
      status: 201,
    },
    ({ body, caller }) => {
      const values = { ...body, active: true };
      const fields = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, saw: null }]));
      return write(deps, caller, { kind: 'catalogue', entityId: newId(), fields }, true);
    },
  ),
  companyRoute(
    {
      method: 'PATCH',
      path: '/api/company/catalogue/:id',
      summary: 'Writes fields of an item; the shop alone writes minimum and place',
      tag: 'company',
      access: 'company-write',
      params: idParams,
      body: editBody,
      answer: editedSchema,
    },
    ({ params, body, caller }) =>
      write(deps, caller, { kind: 'catalogue', entityId: params.id, fields: body.fields }, false),
  ),
  companyRoute(
    {
      method: 'PATCH',
      path: '/api/company/blocks/:id',
      summary: 'Blocks or unblocks; a block wins over an unblock that did not know of it',
      tag: 'company',
      access: 'company-write',
      params: idParams,
      body: editBody,
      answer: editedSchema,
    },
    ({ params, body, caller }) =>
      write(deps, caller, { kind: 'block', entityId: params.id, fields: body.fields }, true),
  ),
];

const listRoute = ({ db }: CompanyDeps, kind: SharedKind, path: string, summary: string): Route =>
  companyRoute(
    {
      ...{ method: 'GET', path, summary, tag: 'company', access: 'company-read' },
      query: pageQuery,
      answer: companyEntitiesSchema,
    } as const,
    async ({ query: { after, limit }, caller }) => {
      const found = await listEntities(db, caller.companyId, kind, { after, limit: limit + 1 });
      const items = found.slice(0, limit).map(entityView);
      return { items, nextAfter: found.length > limit ? (items.at(-1)?.entityId ?? null) : null };
    },
  );

function write(
  { down, clock }: CompanyDeps,
  caller: CompanyCaller,
  given: Omit<CoreWrite, 'who' | 'fields'> & { readonly fields: FieldEdit['fields'] },
  mayBeNew: boolean,
) {
  const { companyId, name } = caller;
  const { kind, entityId } = given;
  return down.inCompany(companyId, async (tx, nowMs) => {
    const before = await findEntity(tx, companyId, kind, entityId);
    if (!mayBeNew && !before) throw new AppError('NOT_FOUND', 'The company has no such item.');
    const { entries, stored, conflicts } = await writeFields(tx, companyId, { ...given, who: name }, { clock, nowMs });
    const names = Object.keys(given.fields);
    const act = { at: nowMs, entity: kind, entityId, action: before ? 'changed' : 'created' } as const;
    const was = before && valuesOf(before.entity, names);
    await noteAct(tx, caller, { ...act, before: was, after: valuesOf(stored.entity, names) });
    const listed = conflicts.map((conflict) => conflictView(conflict, stored));
    return { entries, result: { item: entityView(stored), conflicts: listed } };
  });
}

/** The fields that were written, as they stand: where the write lost, before and after are the same. */
const valuesOf = ({ fields }: MergedEntity, names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [name, fields[name]?.value ?? null]));
