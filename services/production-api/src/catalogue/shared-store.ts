import type { Database } from '@sgp/service-kit/database';
import type { FieldEdit, SharedKind } from '@sgp/shared/sync-payloads';
import { type MergedEntity, mergeEdit } from '@sgp/sync-engine/merge';

/**
 * Entities that both sides write. What is shown is the Core's state with the edits of this shop on top that the Core did
 * not acknowledge yet; what comes down decides.
 */
export type SharedStore = {
  find(db: Database, kind: SharedKind, entityId: string): Promise<MergedEntity | null>;
  list(db: Database, kind: SharedKind): Promise<readonly MergedEntity[]>;
  /** Takes an edit of this shop in, which is in the outbox by the same transaction. */
  edit(tx: Database, edit: FieldEdit): Promise<MergedEntity>;
  /** Takes the Core's state in. */
  settle(tx: Database, entity: MergedEntity): Promise<void>;
};

/** Only the Core judges stamps: a shop whose clock is slow would set its own edits back. */
const unjudged = Number.POSITIVE_INFINITY;

export const editStreamOf = { catalogue: 'edits', block: 'blocks' } as const;

export function createSharedStore(): SharedStore {
  const save = async (tx: Database, entity: MergedEntity): Promise<void> => {
    await tx('shared_entities')
      .insert({ kind: entity.kind, entity_id: entity.entityId, doc: JSON.stringify(entity) })
      .onConflict(['kind', 'entity_id'])
      .merge();
  };
  const find: SharedStore['find'] = async (db, kind, entityId) => {
    const row = await db('shared_entities').where({ kind, entity_id: entityId }).first('doc');
    return row ? JSON.parse(row.doc) : null;
  };
  return {
    find,
    async list(db, kind) {
      const rows = await db('shared_entities').where({ kind }).orderBy('entity_id').select('doc');
      return rows.map(({ doc }) => JSON.parse(doc));
    },
    async edit(tx, edit) {
      const { kind, entityId, editId, at } = edit;
      const { entity } = mergeEdit(await find(tx, kind, entityId), edit, 'edge', unjudged);
      await save(tx, entity);
      await tx('shared_edits').insert({ edit_id: editId, kind, entity_id: entityId, at, doc: JSON.stringify(edit) });
      return entity;
    },
    async settle(tx, core) {
      const open = await openEdits(tx, core);
      const merged = open.reduce<MergedEntity>(
        (entity, edit) => mergeEdit(entity, edit, 'edge', unjudged).entity,
        core,
      );
      await save(tx, merged);
    },
  };
}

/** Oldest first. Those that left the outbox are in the Core's state or lost there, and are forgotten. */
async function openEdits(tx: Database, { kind, entityId }: MergedEntity): Promise<readonly FieldEdit[]> {
  const own = () => tx('shared_edits').where({ kind, entity_id: entityId });
  const waiting = tx('outbox').where({ stream: editStreamOf[kind] }).whereNull('parked_at').select('entity_id');
  await own().whereNotIn('edit_id', waiting).delete();
  const rows = await own().orderBy('at').select('doc');
  return rows.map(({ doc }) => JSON.parse(doc));
}
