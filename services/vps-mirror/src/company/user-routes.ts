import { newId } from '@sgp/service-kit/ids';
import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import {
  type CompanyUser,
  companyUserSchema,
  companyUsersSchema,
  newCompanyUserBody,
  patchCompanyUserBody,
} from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import { noteAct } from './audit-log.ts';
import type { CompanyDeps } from './company-deps.ts';
import { companyRoute } from './company-route.ts';
import { findUser, type StoredUser, usersOf, writeUser } from './user-rows.ts';

const view = ({ user, version }: StoredUser): CompanyUser => ({ ...user, version });

/** People of a company: who they are and what they may do; their passwords stay in the shops. */
export const userRoutes = ({ db, down, clock }: CompanyDeps): readonly Route[] => [
  companyRoute(
    {
      method: 'GET',
      path: '/api/company/users',
      summary: 'People of the company',
      tag: 'company',
      access: 'company-read',
      answer: companyUsersSchema,
    },
    async ({ caller }) => ({ users: (await usersOf(db, caller.companyId)).map(view) }),
  ),
  companyRoute(
    {
      method: 'POST',
      path: '/api/company/users',
      summary: 'Adds a person in all establishments; the first password is given in the shop',
      tag: 'company',
      access: 'company-write',
      body: newCompanyUserBody,
      answer: companyUserSchema,
      status: 201,
    },
    async ({ body, caller }) => {
      const { companyId } = caller;
      const user = { userId: newId(), ...body, disabled: false };
      return view(
        await down.inCompany(companyId, async (tx, nowMs) => {
          const written = await writeUser(tx, companyId, user, { nowMs, stamp: clock.stamp([]) });
          const act = { at: nowMs, entity: 'user', entityId: user.userId, action: 'created' } as const;
          await noteAct(tx, caller, { ...act, before: null, after: user });
          return written;
        }),
      );
    },
  ),
  companyRoute(
    {
      method: 'PATCH',
      path: '/api/company/users/:id',
      summary: 'Changes name or role, disables or enables; disabling ends the sessions in the shops',
      tag: 'company',
      access: 'company-write',
      params: idParams,
      body: patchCompanyUserBody,
      answer: companyUserSchema,
    },
    async ({ params, body: { version, name, role, disabled }, caller }) => {
      const { companyId } = caller;
      const stored = await down.inCompany(companyId, async (tx, nowMs) => {
        const before = await findUser(tx, companyId, params.id);
        if (!before) throw new AppError('NOT_FOUND', 'The company has no such person.');
        if (before.version !== version)
          throw new AppError('VERSION_CONFLICT', 'Somebody changed this person meanwhile; nothing was changed.', {
            details: { current: view(before) },
          });
        const user = {
          ...before.user,
          ...(name !== undefined && { name }),
          ...(role !== undefined && { role }),
          ...(disabled !== undefined && { disabled }),
        };
        const act = { at: nowMs, entity: 'user', entityId: params.id, action: 'changed' } as const;
        await noteAct(tx, caller, { ...act, before: before.user, after: user });
        return writeUser(tx, companyId, user, { nowMs, stamp: clock.stamp([before.updatedAt]) });
      });
      return view(stored);
    },
  ),
];
