import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { FieldEdit, FieldValue, SharedKind } from '@sgp/shared/sync-payloads';
import type { MergedEntity } from '@sgp/sync-engine/merge';
import type { Actor, AuditStore } from '../audit/audit-store.ts';
import type { HlcStore } from '../outbox/hlc-store.ts';
import type { Say } from '../streams/say.ts';
import { editStreamOf, type SharedStore } from './shared-store.ts';

/** One act of one person on one entity that both sides write. */
export type SharedAct = {
  readonly kind: SharedKind;
  readonly entityId: string;
  readonly fields: FieldEdit['fields'];
  readonly actor: Actor;
  readonly action: string;
};

export type SharedWriter = {
  /** The row, the audit entry and the outbox row, in the transaction of the caller. */
  write(tx: Database, act: SharedAct): Promise<MergedEntity>;
};

export function createSharedWriter(deps: {
  readonly shared: SharedStore;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly say: Say;
  readonly hlc: HlcStore;
}): SharedWriter {
  const { shared, audit, say, hlc } = deps;
  return {
    async write(tx, { kind, entityId, fields, actor, action }) {
      const before = await shared.find(tx, kind, entityId);
      const at = await hlc.tick(tx);
      const edit: FieldEdit = { editId: newId(), kind, entityId, at, who: actor.who, fields };
      await say(tx, { stream: editStreamOf[kind], entityId: edit.editId, version: 1, payload: edit, updatedAt: at });
      const after = await shared.edit(tx, edit);
      const names = Object.keys(fields);
      await audit.append(tx, {
        at: Date.now(),
        actor,
        entity: kind,
        entityId,
        action,
        summary: Object.fromEntries(names.map((name) => [name, after.fields[name]?.value ?? null])),
        before: valuesOf(before, names),
        after: valuesOf(after, names),
      });
      return after;
    },
  };
}

const valuesOf = (entity: MergedEntity | null, names: readonly string[]): Readonly<Record<string, FieldValue>> =>
  Object.fromEntries(names.map((name) => [name, entity?.fields[name]?.value ?? null]));

/** Values as fields of an edit that saw what stands; those that stand already are left out. */
export const fieldsThatChange = (
  standing: MergedEntity | null,
  values: Readonly<Record<string, FieldValue | undefined>>,
): FieldEdit['fields'] =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const field = standing?.fields[name];
      return value === undefined || field?.value === value ? [] : [[name, { value, saw: field?.at ?? null }]];
    }),
  );
