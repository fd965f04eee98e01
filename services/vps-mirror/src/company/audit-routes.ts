import type { Route } from '@sgp/service-kit/route';
import { companyAuditQuery, companyAuditSchema } from '@sgp/shared/api/company';
import { listActs } from './audit-log.ts';
import type { CompanyDeps } from './company-deps.ts';
import { companyRoute } from './company-route.ts';

/** Who changed what through the company's API. */
export const auditRoutes = ({ db }: Pick<CompanyDeps, 'db'>): readonly Route[] => [
  companyRoute(
    {
      method: 'GET',
      path: '/api/company/audit',
      summary: 'What the programs of the company changed here, newest first: which token, what, before and after',
      tag: 'company',
      access: 'company-read',
      query: companyAuditQuery,
      answer: companyAuditSchema,
    },
    ({ query, caller }) => listActs(db, caller.companyId, query),
  ),
];
