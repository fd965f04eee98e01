import { type Database, isPostgres } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Log } from '@sgp/service-kit/log';
import { mirrorLimits } from '../mirror-limits.ts';
import { tell } from './alert-messages.ts';
import type { AlertMetrics } from './alert-metrics.ts';
import { contactsOf, type NodeContact, presentOf } from './contacts.ts';
import { openOutages, type StoredOutage, saveOutage } from './incident-rows.ts';
import { isAlertDue, stepOutage } from './incident-rules.ts';

export type WatchDeps = {
  readonly db: Database;
  readonly metrics: Pick<AlertMetrics, 'watched'>;
  readonly now: () => number;
};

/**
 * Looks at every establishment once. Of several replicas one does it at a time; what it finds and what has to be told of it
 * are stored together.
 * @returns whether there is something to tell
 */
export const watchOnce = ({ db, metrics, now }: WatchDeps): Promise<boolean> =>
  db.transaction(async (tx) => {
    const watch = tx('incident_watch').where({ id: 1 });
    const row = await (isPostgres(db) ? watch.forUpdate().skipLocked().first() : watch.first());
    if (!row) return false;
    const nowMs = now();
    // A clock that was set back must not make the Core believe that it watched all the time.
    const isGap = Math.abs(nowMs - row.last_at) > mirrorLimits.watchGapMs;
    const watchedSince = isGap ? nowMs : row.since;
    await tx('incident_watch').where({ id: 1 }).update({ since: watchedSince, last_at: nowMs });
    const windows = await maintenanceAt(tx, nowMs);
    const open = new Map((await openOutages(tx)).map((outage) => [keyOf(outage), outage]));
    const establishments = Map.groupBy(await contactsOf(tx), keyOf);
    let told = false;
    for (const [key, nodes] of establishments) {
      const step = await look(tx, nodes, open.get(key) ?? null, { nowMs, watchedSince, windows });
      if (step.outage?.endedAt === null) open.set(key, step.outage);
      else open.delete(key);
      told = step.told || told;
    }
    const active = [...establishments.values()].filter((nodes) => nodes.some(({ status }) => status === 'active'));
    metrics.watched(active.length, open.size);
    return told;
  });

type Place = { readonly companyId: string; readonly establishmentId: string };
const keyOf = ({ companyId, establishmentId }: Place): string => `${companyId}/${establishmentId}`;

type Moment = { readonly nowMs: number; readonly watchedSince: number; readonly windows: readonly Window[] };

async function look(
  tx: Database,
  nodes: readonly NodeContact[],
  before: StoredOutage | null,
  { nowMs, watchedSince, windows }: Moment,
): Promise<{ readonly outage: StoredOutage | null; readonly told: boolean }> {
  const active = nodes.filter(({ status }) => status === 'active');
  const present = presentOf(active);
  if (present === undefined) {
    // The vendor stopped it: that is no outage, and nobody is told of its end.
    if (before !== null) await saveOutage(tx, { ...before, endedAt: nowMs });
    return { outage: null, told: false };
  }
  const { companyId, establishmentId, contactAt, health } = present;
  const sign = { contactAt, pending: health?.pendingChanges ?? 0 };
  const step = stepOutage(before, sign, { nowMs, watchedSince });
  if (step.kind === 'none' && before === null) return { outage: null, told: false };
  const found: StoredOutage = {
    ...(before ?? { incidentId: newId(), companyId, establishmentId }),
    ...(step.kind === 'none' ? (before as StoredOutage) : step.outage),
    endedAt: step.kind === 'ended' ? step.endedAt : null,
  };
  if (step.kind === 'ended') {
    await saveOutage(tx, found);
    return { outage: found, told: found.alertedAt !== null && (await tell(tx, 'recovery', found, nowMs)) };
  }
  const isDue = isAlertDue(found, nowMs, isInMaintenance(windows, found));
  const told = isDue && (await tell(tx, 'alert', found, nowMs));
  const outage = told ? { ...found, alertedAt: nowMs } : found;
  if (told || step.kind !== 'none') await saveOutage(tx, outage);
  return { outage, told };
}

type Window = { readonly company_id: string; readonly establishment_id: string | null };

const maintenanceAt = (tx: Database, nowMs: number): Promise<readonly Window[]> =>
  tx('maintenance_windows')
    .where('from_at', '<=', nowMs)
    .where('until_at', '>', nowMs)
    .select('company_id', 'establishment_id');

const isInMaintenance = (windows: readonly Window[], { companyId, establishmentId }: Place): boolean =>
  windows.some(
    (each) =>
      each.company_id === companyId && (each.establishment_id === null || each.establishment_id === establishmentId),
  );

/** Watches in the background. */
export function startWatch(deps: WatchDeps & { readonly log: Log; readonly onTold: () => void }): AsyncDisposable {
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      if (await watchOnce(deps)) deps.onTold();
    } catch (err) {
      deps.log.warn({ err }, 'establishments cannot be watched now');
    }
    running = undefined;
  };
  const tick = (): void => {
    running ??= run();
  };
  tick();
  const timer = setInterval(tick, mirrorLimits.watchIntervalMs);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}
