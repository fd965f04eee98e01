import type { Database } from '@sgp/service-kit/database';
import type { Incident, incidentsQuery } from '@sgp/shared/api/company';
import type * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';
import type { Outage } from './incident-rules.ts';

export type StoredOutage = Outage & {
  readonly incidentId: string;
  readonly companyId: string;
  readonly establishmentId: string;
  readonly endedAt: number | null;
};

type Row = {
  readonly incident_id: string;
  readonly company_id: string;
  readonly establishment_id: string;
  readonly started_at: number;
  readonly opened_at: number;
  readonly back_since: number | null;
  readonly ended_at: number | null;
  readonly alerted_at: number | null;
  readonly peak_pending: number;
};

const toOutage = (row: Row): StoredOutage => ({
  incidentId: row.incident_id,
  companyId: row.company_id,
  establishmentId: row.establishment_id,
  startedAt: row.started_at,
  openedAt: row.opened_at,
  backSince: row.back_since,
  endedAt: row.ended_at,
  alertedAt: row.alerted_at,
  peakPending: row.peak_pending,
});

export const incidentOf = (outage: StoredOutage): Incident => ({
  incidentId: outage.incidentId,
  establishmentId: outage.establishmentId,
  startedAt: outage.startedAt,
  endedAt: outage.endedAt,
  alertedAt: outage.alertedAt,
  peakPending: outage.peakPending,
});

export async function openOutages(tx: Database): Promise<readonly StoredOutage[]> {
  const rows: readonly Row[] = await tx('incidents').whereNull('ended_at').select('*');
  return rows.map(toOutage);
}

export async function saveOutage(tx: Database, outage: StoredOutage): Promise<void> {
  const row: Row = {
    incident_id: outage.incidentId,
    company_id: outage.companyId,
    establishment_id: outage.establishmentId,
    started_at: outage.startedAt,
    opened_at: outage.openedAt,
    back_since: outage.backSince,
    ended_at: outage.endedAt,
    alerted_at: outage.alertedAt,
    peak_pending: outage.peakPending,
  };
  await tx('incidents').insert(row).onConflict('incident_id').merge();
}

/** Those that touch the span, newest first. */
export async function incidentsOf(
  db: Database,
  companyId: string,
  { establishmentId, from, until }: z.infer<typeof incidentsQuery>,
): Promise<readonly Incident[]> {
  const query = db('incidents').where({ company_id: companyId });
  if (establishmentId !== undefined) void query.where({ establishment_id: establishmentId });
  if (from !== undefined) void query.where((where) => where.whereNull('ended_at').orWhere('ended_at', '>', from));
  if (until !== undefined) void query.where('started_at', '<', until);
  const rows: readonly Row[] = await query.orderBy('started_at', 'desc').limit(mirrorLimits.incidentsMaxRows);
  return rows.map(toOutage).map(incidentOf);
}
