import type { Database } from '@sgp/service-kit/database';
import type { Hlc } from '@sgp/shared/clock';
import type { DownStream } from '@sgp/shared/sync-downlink';
import type { FieldEdit, SharedKind } from '@sgp/shared/sync-payloads';
import { type MergedEntity, mergeEdit } from '@sgp/sync-engine/merge';
import type { Side } from '@sgp/sync-engine/ownership';
import { type DownEntry, nextStep } from '../downlink/down-changes.ts';
import { conflictDown, type MergeNote, noteConflicts } from './conflict-ledger.ts';

/** A shared entity as the Core keeps it. */
export type StoredEntity = { readonly entity: MergedEntity; readonly version: number; readonly updatedAt: Hlc };

type Row = { readonly kind: string; readonly entity_id: string; version: number; updated_at: Hlc; doc: string };
const keyOf = (kind: string, entityId: string): string => `${kind}/${entityId}`;
const streamOf = { catalogue: 'catalogue', block: 'blocks' } as const satisfies Record<SharedKind, DownStream>;

export const toStored = (row: Row): StoredEntity => ({
  entity: JSON.parse(row.doc) as MergedEntity,
  version: row.version,
  updatedAt: row.updated_at,
});

export const sharedDown = ({ entity, version, updatedAt }: StoredEntity): DownEntry => ({
  stream: streamOf[entity.kind],
  entityId: entity.entityId,
  version,
  updatedAt,
  payload: entity,
  to: 'all',
});

export async function findEntity(
  tx: Database,
  companyId: string,
  kind: SharedKind,
  entityId: string,
): Promise<StoredEntity | null> {
  const row: Row | undefined = await tx('shared_entities')
    .where({ company_id: companyId, kind, entity_id: entityId })
    .first();
  return row ? toStored(row) : null;
}

/** In the order of their ids, those after `after`. */
export async function listEntities(
  db: Database,
  companyId: string,
  kind: SharedKind,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly StoredEntity[]> {
  const rows: readonly Row[] = await db('shared_entities')
    .where({ company_id: companyId, kind })
    .where('entity_id', '>', after ?? '')
    .orderBy('entity_id')
    .limit(limit);
  return rows.map(toStored);
}

/** What the Core has of these entities, locked until the transaction ends. */
export async function lockEntities(
  tx: Database,
  companyId: string,
  entityIds: readonly string[],
): Promise<Map<string, StoredEntity>> {
  const rows: readonly Row[] = await tx('shared_entities')
    .where({ company_id: companyId })
    .whereIn('entity_id', [...entityIds])
    .orderBy(['kind', 'entity_id'])
    .forUpdate();
  return new Map(rows.map((row) => [keyOf(row.kind, row.entity_id), toStored(row)]));
}

/**
 * Merges edits into the shared entities, under the company's lock: one read, the pure merge, one write. The edits have no
 * fault (`editFault`).
 * @param origin the establishment where they were made; null for the Core
 * @returns what has to go down
 */
export async function mergeEdits(
  tx: Database,
  companyId: string,
  edits: readonly FieldEdit[],
  at: { readonly origin: string | null; readonly nowMs: number; readonly stamp: Hlc },
): Promise<readonly DownEntry[]> {
  const from: Side = at.origin === null ? 'core' : 'edge';
  const before = await lockEntities(
    tx,
    companyId,
    edits.map(({ entityId }) => entityId),
  );
  const after = new Map<string, { readonly entity: MergedEntity; readonly changed: boolean }>();
  const notes: MergeNote[] = [];
  for (const edit of edits) {
    const key = keyOf(edit.kind, edit.entityId);
    const standing = after.get(key)?.entity ?? before.get(key)?.entity ?? null;
    const { entity, changed, losers, settled } = mergeEdit(standing, edit, from, at.nowMs);
    after.set(key, { entity, changed: changed || (after.get(key)?.changed ?? false) });
    notes.push({ losers, settled, entity: edit.kind, entityId: edit.entityId, establishmentId: at.origin });
  }
  const stored = [...after].map(([key, { entity, changed }]) => {
    const known = before.get(key);
    const moved = changed || known === undefined;
    return {
      changed,
      entity,
      ...(moved ? nextStep(known, at) : { version: known.version, updatedAt: known.updatedAt }),
    };
  });
  if (stored.length > 0)
    await tx('shared_entities')
      .insert(
        stored.map(({ entity, version, updatedAt }) => ({
          company_id: companyId,
          kind: entity.kind,
          entity_id: entity.entityId,
          version,
          updated_at: updatedAt,
          doc: JSON.stringify(entity),
        })),
      )
      .onConflict(['company_id', 'kind', 'entity_id'])
      .merge();
  const conflicts = await noteConflicts(tx, companyId, notes, at);
  return [...stored.filter(({ changed }) => changed).map(sharedDown), ...conflicts.map(conflictDown)];
}
