import { newId } from '@sgp/service-kit/ids';
import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import {
  type AlertSettings,
  alertSettingsBody,
  alertsSchema,
  maintenanceSchema,
  maintenancesSchema,
  newMaintenanceBody,
  webhookSecretBody,
  webhookSecretSchema,
} from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import type { Delivery } from '../alerts/alert-outbox.ts';
import { readSettings, writeSettings } from '../alerts/alert-settings.ts';
import { targetFault } from '../alerts/public-address.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import { noteAct } from './audit-log.ts';
import type { CompanyDeps } from './company-deps.ts';
import { companyRoute } from './company-route.ts';

/** Who is told of outages, and when nobody is. */
export const alertRoutes = (deps: CompanyDeps): readonly Route[] => [
  ...settingsRoutes(deps),
  ...maintenanceRoutes(deps),
];

const settingsRoutes = ({ db, now, alerts: { outbox, secrets, mailAvailable, targets } }: CompanyDeps): Route[] => {
  const answer = async (companyId: string) => ({
    settings: (await readSettings(db, companyId)).settings,
    mailAvailable,
    deliveries: (await outbox.list(companyId)).map(deliveryView),
  });
  const at = { path: '/api/company/alerts', tag: 'company', answer: alertsSchema } as const;
  return [
    companyRoute(
      {
        ...{ ...at, method: 'GET', access: 'company-read' },
        summary: 'Who is told of outages, and what became of the newest messages',
      } as const,
      ({ caller }) => answer(caller.companyId),
    ),
    companyRoute(
      {
        ...{ ...at, method: 'PUT', access: 'company-write', body: alertSettingsBody },
        summary: 'Sets who is told of outages: a webhook (https, a public address) and addresses of e-mail',
      } as const,
      async ({ body, caller }) => {
        const { companyId } = caller;
        refuseFaults(body, targets, mailAvailable);
        await db.transaction(async (tx) => {
          const before = await readSettings(tx, companyId);
          await writeSettings(tx, companyId, { ...before, settings: body });
          const act = { at: now(), entity: 'alerts', entityId: companyId, action: 'changed' } as const;
          await noteAct(tx, caller, { ...act, before: before.settings, after: body });
        });
        return answer(companyId);
      },
    ),
    companyRoute(
      {
        method: 'POST',
        path: '/api/company/alerts/webhook-secret',
        summary:
          'The secret that signs the webhooks (Standard Webhooks); with rotate a new one, beside the former for a day',
        tag: 'company',
        access: 'company-write',
        body: webhookSecretBody,
        answer: webhookSecretSchema,
      },
      async ({ body, caller }) => {
        const { companyId } = caller;
        const nowMs = now();
        const stored = await db.transaction(async (tx) => {
          const before = await readSettings(tx, companyId);
          if (!body.rotate) return before;
          const { secretVersion } = before;
          const next = { ...before, secretVersion: secretVersion + 1, rotatedAt: nowMs };
          await writeSettings(tx, companyId, next);
          const act = { at: nowMs, entity: 'alerts', entityId: companyId, action: 'secret-rotated' } as const;
          await noteAct(tx, caller, {
            ...act,
            before: { secretVersion },
            after: { secretVersion: next.secretVersion },
          });
          return next;
        });
        const [secret = '', former] = secrets.now(companyId, stored, nowMs);
        const formerUntil =
          former === undefined || stored.rotatedAt === null
            ? null
            : stored.rotatedAt + mirrorLimits.webhookFormerSecretMs;
        return { secret, formerUntil };
      },
    ),
  ];
};

const deliveryView = ({ messageId, incidentId, kind, channel, tries, createdAt, sentAt, dueAt, error }: Delivery) => ({
  ...{ messageId, incidentId, kind, channel, tries, createdAt, sentAt, error },
  state: sentAt !== null ? ('sent' as const) : dueAt === null ? ('given-up' as const) : ('waiting' as const),
});

/** @throws AppError BODY_INVALID */
function refuseFaults(
  { webhookUrl, emails, timeZone }: AlertSettings,
  targets: 'public' | 'any',
  mailAvailable: boolean,
): void {
  const fault = webhookUrl !== null && targets === 'public' ? targetFault(new URL(webhookUrl)) : null;
  if (fault !== null) throw new AppError('BODY_INVALID', `The webhook cannot be used: ${fault}. Nothing was changed.`);
  if (emails.length > 0 && !mailAvailable)
    throw new AppError('BODY_INVALID', 'This Core has no mail server; nothing was changed.');
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (cause) {
    throw new AppError('BODY_INVALID', 'There is no such time zone; nothing was changed.', { cause });
  }
}

const maintenanceRoutes = ({ db, now }: CompanyDeps): Route[] => {
  const open = async (companyId: string) => {
    const rows = await db('maintenance_windows')
      .where({ company_id: companyId })
      .where('until_at', '>', now())
      .orderBy('from_at');
    return rows.map((row) => ({
      maintenanceId: row.maintenance_id as string,
      establishmentId: row.establishment_id as string | null,
      from: row.from_at as number,
      until: row.until_at as number,
      reason: row.reason as string,
    }));
  };
  const path = '/api/company/maintenance';
  return [
    companyRoute(
      {
        ...{ method: 'GET', path, tag: 'company', access: 'company-read', answer: maintenancesSchema },
        summary: 'Windows in which nobody is told of an outage, present and coming',
      } as const,
      async ({ caller }) => ({ windows: await open(caller.companyId) }),
    ),
    companyRoute(
      {
        ...{ method: 'POST', path, tag: 'company', access: 'company-write', body: newMaintenanceBody },
        summary: 'Adds a window; an outage that outlasts it is told at its end',
        answer: maintenanceSchema,
        status: 201,
      } as const,
      async ({ body, caller }) => {
        const { companyId } = caller;
        if ((await open(companyId)).length >= mirrorLimits.maintenanceWindowsMax)
          throw new AppError('ALREADY_EXISTS', `There are ${mirrorLimits.maintenanceWindowsMax} windows already.`);
        const maintenanceId = newId();
        await db.transaction(async (tx) => {
          await tx('maintenance_windows').insert({
            maintenance_id: maintenanceId,
            company_id: companyId,
            establishment_id: body.establishmentId,
            from_at: body.from,
            until_at: body.until,
            reason: body.reason,
          });
          const act = { at: now(), entity: 'maintenance', entityId: maintenanceId, action: 'created' } as const;
          await noteAct(tx, caller, { ...act, before: null, after: body });
        });
        return { maintenanceId, ...body };
      },
    ),
    companyRoute(
      {
        ...{ method: 'DELETE', path: `${path}/:id`, tag: 'company', access: 'company-write', params: idParams },
        summary: 'Removes a window; one that runs ends now',
      } as const,
      async ({ params, caller }) => {
        const of = { company_id: caller.companyId, maintenance_id: params.id };
        await db.transaction(async (tx) => {
          const before = await tx('maintenance_windows').where(of).first();
          if (!before) throw new AppError('NOT_FOUND', 'The company has no such window.');
          await tx('maintenance_windows').where(of).delete();
          const { establishment_id: establishmentId, from_at: from, until_at: until, reason } = before;
          const act = { at: now(), entity: 'maintenance', entityId: params.id, action: 'removed' } as const;
          await noteAct(tx, caller, { ...act, before: { establishmentId, from, until, reason }, after: null });
        });
      },
    ),
  ];
};
