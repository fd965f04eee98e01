import type { Database } from '@sgp/service-kit/database';
import type { SyncIncident } from '@sgp/shared/api/sync';
import { limits } from '@sgp/shared/limits';

/** A conflict comes down a moment after what it is about went up: two signs of life. */
const conflictLateMs = 2 * limits.syncHeartbeatMs;

type IncidentRow = {
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly cause: string;
  readonly peak_pending: number;
  readonly sent: number;
};

/** The last outages, newest first, each with what was found when it ended: conflicts, and what a comparison missed at the Core. */
export async function listIncidents(db: Database): Promise<SyncIncident[]> {
  const rows: readonly IncidentRow[] = await db('sync_incidents')
    .orderBy('started_at', 'desc')
    .limit(limits.pageMaxRows);
  return Promise.all(
    rows.map(async (row) => ({
      startedAt: row.started_at,
      endedAt: row.ended_at,
      cause: row.cause,
      peakPending: row.peak_pending,
      sent: row.sent,
      conflicts: await conflictsOf(db, row),
      ...(await comparedAfter(db, row.ended_at)),
    })),
  );
}

async function conflictsOf(db: Database, { started_at, ended_at }: IncidentRow): Promise<number> {
  const found = db('conflicts').where('at', '>=', started_at).count({ n: '*' }).first();
  if (ended_at !== null) void found.where('at', '<=', ended_at + conflictLateMs);
  return Number((await found)?.['n']);
}

/**
 * What the comparisons after an end say. The newest one counts as lost what it missed at the Core; what an earlier one
 * missed was sent again.
 */
async function comparedAfter(
  db: Database,
  endedAt: number | null,
): Promise<Pick<SyncIncident, 'comparedAt' | 'lost' | 'resent'>> {
  if (endedAt === null) return { comparedAt: null, lost: null, resent: 0 };
  const after = () => db('sync_comparisons').where('at', '>=', endedAt);
  const first = await after().orderBy('at').first('at');
  if (!first) return { comparedAt: null, lost: null, resent: 0 };
  // Later outages have comparisons of their own: up to the first that missed nothing is what this one left behind.
  const clean = await after().where({ missing: 0 }).orderBy('at').first('at');
  const until = clean ? after().where('at', '<=', clean.at) : after();
  const [sum] = await until.sum({ n: 'missing' });
  const missed = Number(sum?.['n'] ?? 0);
  if (clean) return { comparedAt: clean.at, lost: 0, resent: missed };
  const { missing } = await after().orderBy('at', 'desc').first('missing');
  return { comparedAt: first.at, lost: missing, resent: missed - missing };
}
