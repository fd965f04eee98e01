import { newId } from '@sgp/service-kit/ids';
import { type Route, route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { companySchema, establishmentSchema, newCompanyBody, newEstablishmentBody } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { defaultPlan } from '../licences/plan.ts';
import type { CompanyStore } from './company-store.ts';

/** Companies and their establishments, kept by the vendor. */
export function companyRoutes(deps: {
  readonly companies: Pick<CompanyStore, 'addCompany' | 'findCompany' | 'addEstablishment'>;
  readonly now: () => number;
}): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        path: '/v1/companies',
        summary: 'Adds a company',
        tag: 'companies',
        access: 'admin',
        body: newCompanyBody,
        answer: companySchema,
        status: 201,
      },
      async ({ body }) => {
        const company = { companyId: newId(), name: body.name, createdAt: deps.now() };
        await deps.companies.addCompany(company);
        return company;
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/companies/:id/establishments',
        summary: 'Adds an establishment to a company',
        tag: 'companies',
        access: 'admin',
        params: idParams,
        body: newEstablishmentBody,
        answer: establishmentSchema,
        status: 201,
      },
      async ({ params, body }) => {
        assertTimeZone(body.timeZone);
        if (!(await deps.companies.findCompany(params.id)))
          throw new AppError('NOT_FOUND', 'There is no company of this id.');
        const establishment = { establishmentId: newId(), companyId: params.id, ...body, createdAt: deps.now() };
        const added = await deps.companies.addEstablishment(establishment, { plan: defaultPlan, paidUntil: null });
        if (!added)
          throw new AppError('ALREADY_EXISTS', `The company has an establishment with the slug ${body.slug}.`);
        return establishment;
      },
    ),
  ];
}

function assertTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (cause) {
    throw new AppError('BODY_INVALID', 'The time zone is not a name of the IANA list, such as America/Sao_Paulo.', {
      cause,
    });
  }
}
