import { createHash } from 'node:crypto';
import type { Database } from '@sgp/service-kit/database';
import type { conflictsQuery } from '@sgp/shared/api/conflicts';
import { type Hlc, hlcParse } from '@sgp/shared/clock';
import type { Conflict } from '@sgp/shared/sync-payloads';
import { uuidV7 } from '@sgp/shared/uuid';
import type { Loser, Settled } from '@sgp/sync-engine/losers';
import type * as z from 'zod';
import { type DownEntry, nextStep } from '../downlink/down-changes.ts';
import { mirrorLimits } from '../mirror-limits.ts';

/** A conflict as the Core keeps it. */
export type LedgerEntry = {
  readonly conflict: Conflict;
  readonly version: number;
  readonly updatedAt: Hlc;
  /** Who hears of it: the establishments of its loser and its winner. */
  readonly establishmentIds: readonly string[];
};

/** What merging one edit found. */
export type MergeNote = {
  readonly losers: readonly Loser[];
  readonly settled: readonly Settled[];
  readonly entity: string;
  readonly entityId: string;
  /** Where the edit was made; null for the Core. */
  readonly establishmentId: string | null;
};

type Row = {
  readonly conflict_id: string;
  readonly version: number;
  readonly updated_at: Hlc;
  readonly establishments: string;
  readonly doc: string;
};
export const toEntry = (row: Row): LedgerEntry => ({
  conflict: JSON.parse(row.doc) as Conflict,
  version: row.version,
  updatedAt: row.updated_at,
  establishmentIds: JSON.parse(row.establishments) as string[],
});

export const conflictDown = ({ conflict, version, updatedAt, establishmentIds }: LedgerEntry): DownEntry => ({
  stream: 'conflicts',
  entityId: conflict.conflictId,
  version,
  updatedAt,
  payload: conflict,
  to: establishmentIds,
});

export async function findConflict(tx: Database, companyId: string, conflictId: string): Promise<LedgerEntry | null> {
  const row: Row | undefined = await tx('conflicts').where({ company_id: companyId, conflict_id: conflictId }).first();
  return row ? toEntry(row) : null;
}

/** Newest first. `nextBefore` continues the list; null at its end. */
export async function listConflicts(
  db: Database,
  companyId: string,
  { state, before, limit }: z.infer<typeof conflictsQuery>,
): Promise<{ readonly entries: readonly LedgerEntry[]; readonly nextBefore: string | null }> {
  const query = db('conflicts').where({ company_id: companyId });
  if (state === 'open') void query.whereNull('resolved_at');
  if (state === 'resolved') void query.whereNotNull('resolved_at');
  const position = /^(\d{1,16})\.([0-9a-f-]{36})$/.exec(before ?? '');
  if (position) void query.whereRaw('(at, conflict_id) < (?, ?)', [Number(position[1]), position[2] ?? '']);
  const found: readonly Row[] = await query
    .orderBy([
      { column: 'at', order: 'desc' },
      { column: 'conflict_id', order: 'desc' },
    ])
    .limit(limit + 1);
  const entries = found.slice(0, limit).map(toEntry);
  const last = entries.at(-1)?.conflict;
  return { entries, nextBefore: found.length > limit && last ? `${last.at}.${last.conflictId}` : null };
}

export async function countOpen(db: Database, companyId: string): Promise<number> {
  const [row] = await db('conflicts').where({ company_id: companyId }).whereNull('resolved_at').count({ n: '*' });
  return Number(row?.['n'] ?? 0);
}

/** The same loss is the same entry, however often it is found. */
const conflictIdOf = (companyId: string, { key, loser }: Loser, nowMs: number): string =>
  uuidV7(
    loser.at === null ? nowMs : hlcParse(loser.at).ms,
    createHash('sha256').update(`${companyId}/${key}`).digest(),
  );

/**
 * Lists losers and closes those that turned out to be none, under the company's lock.
 * @returns what changed in the ledger
 */
export async function noteConflicts(
  tx: Database,
  companyId: string,
  notes: readonly MergeNote[],
  at: { readonly nowMs: number; readonly stamp: Hlc },
): Promise<readonly LedgerEntry[]> {
  const found = notes.filter(({ losers, settled }) => losers.length > 0 || settled.length > 0);
  if (found.length === 0) return [];
  const ids = [...new Set(found.map(({ entityId }) => entityId))];
  const rows: readonly Row[] = await tx('conflicts').where({ company_id: companyId }).whereIn('entity_id', ids);
  const known = new Map(rows.map((row) => [row.conflict_id, toEntry(row)]));
  const homes = await establishmentsOfStamps(tx, companyId, found);
  const touched = new Set<string>();
  for (const note of found) {
    for (const loser of note.losers) {
      const entry = entryOf(loser, conflictIdOf(companyId, loser, at.nowMs), note, homes, at);
      if (known.has(entry.conflict.conflictId)) continue;
      known.set(entry.conflict.conflictId, entry);
      touched.add(entry.conflict.conflictId);
    }
    for (const [id, entry] of known) {
      if (entry.conflict.resolvedAt !== null || !isSettled(entry.conflict, note)) continue;
      known.set(id, resolvedEntry(entry, 'kept', at));
      touched.add(id);
    }
  }
  const changed = [...touched].map((id) => known.get(id) as LedgerEntry);
  await writeEntries(tx, companyId, changed);
  return changed;
}

const isSettled = ({ entity, entityId, field, kind, loser }: Conflict, note: MergeNote): boolean =>
  kind === 'field' &&
  entity === note.entity &&
  entityId === note.entityId &&
  note.settled.some((each) => each.field === field && each.at === loser.at);

/** @param who the person who decided; left out where a merge found that nothing is to be decided */
export const resolvedEntry = (
  entry: LedgerEntry,
  resolution: NonNullable<Conflict['resolution']>,
  at: { readonly nowMs: number; readonly stamp: Hlc },
  who?: string,
): LedgerEntry => ({
  ...entry,
  conflict: {
    ...entry.conflict,
    ...{ resolvedAt: at.nowMs, resolution },
    ...(who !== undefined && { resolvedBy: who }),
  },
  ...nextStep(entry, at),
});

function entryOf(
  loser: Loser,
  conflictId: string,
  note: MergeNote,
  homes: ReadonlyMap<string, string>,
  { nowMs, stamp }: { readonly nowMs: number; readonly stamp: Hlc },
): LedgerEntry {
  const stamps = [loser.loser.at, loser.winner.at].filter((each) => each !== null);
  const writers = stamps.map((each) => homes.get(hlcParse(each).node));
  return {
    conflict: {
      conflictId,
      kind: loser.kind,
      entity: loser.entity,
      entityId: loser.entityId,
      field: loser.field,
      winner: loser.winner,
      loser: loser.loser,
      at: nowMs,
      resolvedAt: loser.same ? nowMs : null,
      resolution: loser.same ? 'kept' : null,
    },
    ...nextStep(null, { nowMs, stamp }),
    establishmentIds: [...new Set([note.establishmentId, ...writers].filter((id) => typeof id === 'string'))].sort(),
  };
}

async function establishmentsOfStamps(
  tx: Database,
  companyId: string,
  notes: readonly MergeNote[],
): Promise<ReadonlyMap<string, string>> {
  const stamps = notes.flatMap(({ losers }) => losers.flatMap(({ loser, winner }) => [loser.at, winner.at]));
  const nodes = [...new Set(stamps.filter((each) => each !== null).map((each) => hlcParse(each).node))];
  if (nodes.length === 0) return new Map();
  const rows = await tx('stamp_nodes').where({ company_id: companyId }).whereIn('stamp_node', nodes);
  return new Map(rows.map((row) => [row.stamp_node, row.establishment_id]));
}

export async function writeEntries(tx: Database, companyId: string, entries: readonly LedgerEntry[]): Promise<void> {
  const rows = entries.map(({ conflict, version, updatedAt, establishmentIds }) => ({
    company_id: companyId,
    conflict_id: conflict.conflictId,
    entity: conflict.entity,
    entity_id: conflict.entityId,
    field: conflict.field,
    loser_at: conflict.loser.at,
    at: conflict.at,
    resolved_at: conflict.resolvedAt,
    version,
    updated_at: updatedAt,
    establishments: JSON.stringify(establishmentIds),
    doc: JSON.stringify(conflict),
  }));
  for (let i = 0; i < rows.length; i += mirrorLimits.rowsPerInsertMax)
    await tx('conflicts')
      .insert(rows.slice(i, i + mirrorLimits.rowsPerInsertMax))
      .onConflict(['company_id', 'conflict_id'])
      .merge();
}
