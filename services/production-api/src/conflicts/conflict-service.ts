import type { Database } from '@sgp/service-kit/database';
import type { ConflictEntry, conflictsQuery } from '@sgp/shared/api/conflicts';
import { hlcParse } from '@sgp/shared/clock';
import { AppError } from '@sgp/shared/errors';
import type { Conflict, FieldEdit, SharedKind } from '@sgp/shared/sync-payloads';
import { sharedKinds } from '@sgp/shared/sync-payloads';
import { fieldsToRestore } from '@sgp/sync-engine/losers';
import { sharedOf } from '@sgp/sync-engine/merge';
import { mayWrite, ruleOf } from '@sgp/sync-engine/ownership';
import type * as z from 'zod';
import type { Actor, AuditStore } from '../audit/audit-store.ts';
import { nameOf } from '../blocks/names.ts';
import type { SharedStore } from '../catalogue/shared-store.ts';
import type { SharedWriter } from '../catalogue/shared-writer.ts';
import type { StockStore } from '../stock/stock-store.ts';
import type { StockWriter } from '../stock/stock-writer.ts';
import { inTurn } from '../streams/say.ts';
import type { ConflictStore, LedgerRow } from './conflict-store.ts';

export type Resolution = NonNullable<Conflict['resolution']>;

export type ConflictService = {
  list(query: z.infer<typeof conflictsQuery>): Promise<{
    readonly conflicts: ConflictEntry[];
    readonly open: number;
    readonly nextBefore: string | null;
  }>;
  /**
   * `kept`: what stands is right. `restored`: what lost is written anew, as an act that knew what stands.
   * @throws AppError NOT_FOUND, CONFLICT_RESOLVED, CONFLICT_NOT_RESTORABLE
   */
  decide(conflictId: string, resolution: Resolution, actor: Actor): Promise<ConflictEntry>;
};

export type ConflictServiceDeps = {
  readonly db: Database;
  readonly conflicts: ConflictStore;
  readonly shared: Pick<SharedStore, 'find'>;
  readonly sharedWriter: SharedWriter;
  readonly stock: Pick<StockStore, 'find'>;
  readonly stockWriter: StockWriter;
  readonly audit: Pick<AuditStore, 'append'>;
};

export function createConflictService(deps: ConflictServiceDeps): ConflictService {
  const { db, conflicts, audit } = deps;

  /** The edit that writes the loser anew, or null when there is none that this shop could write. */
  const restoring = async (tx: Database, row: LedgerRow): Promise<FieldEdit['fields'] | null> => {
    const kind = sharedKinds.find((each) => each === row.entity);
    const standing = kind && (await deps.shared.find(tx, kind, row.entityId));
    const fields = standing ? fieldsToRestore(row, sharedOf(standing)) : null;
    const isOurs = (name: string): boolean => {
      const rule = ruleOf(kind as SharedKind, name);
      return rule !== undefined && mayWrite(rule, 'edge');
    };
    return fields !== null && Object.keys(fields).every(isOurs) ? fields : null;
  };
  const view = async (tx: Database, row: LedgerRow): Promise<ConflictEntry> => ({
    conflictId: row.conflictId,
    kind: row.kind,
    entity: row.entity,
    entityId: row.entityId,
    name: await conflictName(tx, row),
    field: row.field,
    winner: versionOf(row.winner),
    loser: versionOf(row.loser),
    at: row.at,
    resolvedAt: row.resolvedAt,
    resolution: row.resolution,
    resolvedBy: row.resolvedBy,
    origin: row.origin,
    canRestore: row.resolvedAt === null && (row.kind === 'stock-negative' || (await restoring(tx, row)) !== null),
  });

  const restore = async (tx: Database, row: LedgerRow, actor: Actor): Promise<void> => {
    const fields = await restoring(tx, row);
    if (fields === null)
      throw new AppError(
        'CONFLICT_NOT_RESTORABLE',
        'This version cannot be written anew here; it stays listed so that it can be read. Nothing was changed.',
      );
    const kind = row.entity as SharedKind;
    await deps.sharedWriter.write(tx, { kind, entityId: row.entityId, fields, actor, action: 'restored' });
  };

  const settleStock = async (tx: Database, row: LedgerRow, resolution: Resolution, actor: Actor): Promise<void> => {
    const { compensation } = JSON.parse(row.loser.text) as { compensation?: string };
    const found = compensation === undefined ? null : await deps.stock.find(tx, compensation);
    if (!found)
      throw new AppError('CONFLICT_NOT_RESTORABLE', 'The proposed movement is not here. Nothing was changed.');
    const state = resolution === 'restored' ? 'posted' : 'voided';
    await deps.stockWriter.take(tx, { ...found.movement, state, settledAt: Date.now() }, actor);
  };

  return {
    async list(query) {
      const { rows, nextBefore } = await conflicts.list(db, query);
      const entries = await Promise.all(rows.map((row) => view(db, row)));
      return { conflicts: entries, open: await conflicts.countOpen(db), nextBefore };
    },
    decide: (conflictId, resolution, actor) =>
      inTurn(db, async (tx) => {
        const row = await conflicts.find(tx, conflictId);
        if (!row) throw new AppError('NOT_FOUND', 'There is no such conflict.');
        if (row.resolution === resolution) return view(tx, row);
        if (row.resolution !== null)
          throw new AppError('CONFLICT_RESOLVED', `This conflict was decided: ${row.resolution}. Nothing was changed.`);
        if (row.kind === 'stock-negative') await settleStock(tx, row, resolution, actor);
        else if (resolution === 'restored') await restore(tx, row, actor);
        const at = Date.now();
        await conflicts.resolve(tx, conflictId, { resolution, at, who: actor.who });
        await audit.append(tx, {
          at,
          actor,
          entity: 'conflict',
          entityId: conflictId,
          action: resolution,
          summary: { kind: row.kind, entity: row.entity, field: row.field },
          before: { winner: row.winner, loser: row.loser },
          after: {},
        });
        return view(tx, (await conflicts.find(tx, conflictId)) as LedgerRow);
      }),
  };
}

const versionOf = ({ text, at, who }: Conflict['winner']): ConflictEntry['winner'] => ({
  text,
  at: at === null ? null : hlcParse(at).ms,
  who,
});

async function conflictName(db: Database, { entity, entityId }: LedgerRow): Promise<string | null> {
  if (entity === 'order') return (await db('orders').where({ order_id: entityId }).first('number'))?.number ?? null;
  for (const subject of entity === 'block' ? (['customer', 'machine', 'material'] as const) : (['material'] as const)) {
    const name = await nameOf(db, subject, entityId);
    if (name !== null) return name;
  }
  return null;
}
