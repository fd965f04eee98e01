import type { Database } from '@sgp/service-kit/database';
import type { conflictsQuery } from '@sgp/shared/api/conflicts';
import type { Conflict } from '@sgp/shared/sync-payloads';
import type * as z from 'zod';

export type LedgerRow = Omit<Conflict, 'resolvedBy'> & {
  readonly origin: 'core' | 'edge';
  /** Who decided; null while nobody did, or where nobody says. */
  readonly resolvedBy: string | null;
};

/** The conflict ledger. An entry is never removed and its two versions never change. */
export type ConflictStore = {
  find(db: Database, conflictId: string): Promise<LedgerRow | null>;
  /** Newest first. */
  list(
    db: Database,
    query: z.infer<typeof conflictsQuery>,
  ): Promise<{ readonly rows: readonly LedgerRow[]; readonly nextBefore: string | null }>;
  countOpen(db: Database): Promise<number>;
  /** Lists a conflict that was found here; one that is listed already stays as it is. */
  open(tx: Database, conflict: Conflict): Promise<void>;
  /** Takes an entry of the Core in. A decision that was made here stays, whatever the Core knows of it. */
  takeDown(tx: Database, conflict: Conflict): Promise<void>;
  /** The first decision stays. */
  resolve(
    tx: Database,
    conflictId: string,
    decision: { readonly resolution: NonNullable<Conflict['resolution']>; readonly at: number; readonly who: string },
  ): Promise<void>;
};

export function createConflictStore(): ConflictStore {
  return {
    async find(db, conflictId) {
      const row = await db('conflicts').where({ conflict_id: conflictId }).first();
      return row ? fromRow(row) : null;
    },
    async list(db, { state, before, limit }) {
      const query = db('conflicts');
      if (state === 'open') void query.whereNull('resolved_at');
      if (state === 'resolved') void query.whereNotNull('resolved_at');
      const position = /^(\d{1,16})\.([0-9a-f-]{36})$/.exec(before ?? '');
      if (position) void query.whereRaw('(at, conflict_id) < (?, ?)', [Number(position[1]), position[2] ?? '']);
      const found = await query
        .orderBy([
          { column: 'at', order: 'desc' },
          { column: 'conflict_id', order: 'desc' },
        ])
        .limit(limit + 1);
      const rows = found.slice(0, limit).map(fromRow);
      const last = rows.at(-1);
      return { rows, nextBefore: found.length > limit && last ? `${last.at}.${last.conflictId}` : null };
    },
    async countOpen(db) {
      const [row] = await db('conflicts').whereNull('resolved_at').count({ n: '*' });
      return Number(row?.['n'] ?? 0);
    },
    async open(tx, conflict) {
      await tx('conflicts').insert(toRow(conflict, 'edge')).onConflict('conflict_id').ignore();
    },
    async takeDown(tx, conflict) {
      const before = await tx('conflicts')
        .where({ conflict_id: conflict.conflictId })
        .first('resolved_at', 'resolution', 'resolved_by');
      const decided = before?.resolved_at != null ? before : {};
      const row = { ...toRow(conflict, 'core'), ...decided };
      await tx('conflicts').insert(row).onConflict('conflict_id').merge();
    },
    async resolve(tx, conflictId, { resolution, at, who }) {
      await tx('conflicts')
        .where({ conflict_id: conflictId })
        .whereNull('resolved_at')
        .update({ resolution, resolved_at: at, resolved_by: who });
    },
  };
}

const toRow = (conflict: Conflict, origin: LedgerRow['origin']) => ({
  conflict_id: conflict.conflictId,
  kind: conflict.kind,
  entity: conflict.entity,
  entity_id: conflict.entityId,
  field: conflict.field,
  winner: JSON.stringify(conflict.winner),
  loser: JSON.stringify(conflict.loser),
  at: conflict.at,
  resolved_at: conflict.resolvedAt,
  resolution: conflict.resolution,
  resolved_by: conflict.resolvedBy ?? null,
  origin,
});

const fromRow = (row: ReturnType<typeof toRow>): LedgerRow => ({
  conflictId: row.conflict_id,
  kind: row.kind,
  entity: row.entity,
  entityId: row.entity_id,
  field: row.field,
  winner: JSON.parse(row.winner),
  loser: JSON.parse(row.loser),
  at: row.at,
  resolvedAt: row.resolved_at,
  resolution: row.resolution,
  resolvedBy: row.resolved_by,
  origin: row.origin,
});
