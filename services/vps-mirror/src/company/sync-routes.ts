import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { companySyncSchema, establishmentNameBody, incidentsQuery, incidentsSchema } from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import { readSettings } from '../alerts/alert-settings.ts';
import { nameOf } from '../alerts/establishment-names.ts';
import { incidentsOf } from '../alerts/incident-rows.ts';
import { noteAct } from './audit-log.ts';
import type { CompanyDeps } from './company-deps.ts';
import { companyRoute } from './company-route.ts';
import { incidentsCsv } from './incident-csv.ts';
import { companyHealth } from './sync-health.ts';

/** The manager's view of all establishments (PRODUCT J5). */
export const syncRoutes = ({ db, now }: CompanyDeps): readonly Route[] => [
  companyRoute(
    {
      method: 'GET',
      path: '/api/company/sync',
      summary: 'How the exchange with every establishment is, in both directions',
      tag: 'company',
      access: 'company-read',
      answer: companySyncSchema,
    },
    async ({ caller }) => ({ at: now(), establishments: [...(await companyHealth(db, caller.companyId, now()))] }),
  ),
  companyRoute(
    {
      method: 'PUT',
      path: '/api/company/establishments/:id',
      summary: 'What an establishment is called in this view and in messages',
      tag: 'company',
      access: 'company-write',
      params: idParams,
      body: establishmentNameBody,
    },
    async ({ params, body, caller }) => {
      const of = { company_id: caller.companyId, establishment_id: params.id };
      const known =
        (await db('downlink_heads').where(of).first('seq')) ?? (await db('node_sync').where(of).first('node_id'));
      if (!known) throw new AppError('NOT_FOUND', 'The company has no such establishment, or it was never connected.');
      await db.transaction(async (tx) => {
        const before = await tx('establishment_names').where(of).first('name');
        await tx('establishment_names')
          .insert({ ...of, name: body.name })
          .onConflict(['company_id', 'establishment_id'])
          .merge();
        const act = { at: now(), entity: 'establishment', entityId: params.id, action: 'named' } as const;
        await noteAct(tx, caller, {
          ...act,
          before: before ? { name: before.name } : null,
          after: { name: body.name },
        });
      });
    },
  ),
  companyRoute(
    {
      method: 'GET',
      path: '/api/company/incidents',
      summary: 'Outages, newest first',
      tag: 'company',
      access: 'company-read',
      query: incidentsQuery,
      answer: incidentsSchema,
    },
    async ({ query, caller }) => ({ incidents: [...(await incidentsOf(db, caller.companyId, query))] }),
  ),
  companyRoute(
    {
      method: 'GET',
      path: '/api/company/incidents.csv',
      summary: 'Outages as a spreadsheet, in the language and time zone of the alerts',
      tag: 'company',
      access: 'company-read',
      query: incidentsQuery,
    },
    async ({ query, caller: { companyId }, ctx }) => {
      const incidents = await incidentsOf(db, companyId, query);
      const names = new Map<string, string>();
      for (const { establishmentId } of incidents)
        if (!names.has(establishmentId))
          names.set(establishmentId, (await nameOf(db, companyId, establishmentId)) ?? establishmentId);
      const { settings } = await readSettings(db, companyId);
      ctx.set('cache-control', 'no-store');
      ctx.attachment('incidents.csv');
      ctx.type = 'text/csv; charset=utf-8';
      ctx.body = incidentsCsv(incidents, names, settings);
    },
  ),
];
