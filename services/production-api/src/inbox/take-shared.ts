import type { Database } from '@sgp/service-kit/database';
import type { FieldEdit, SharedKind } from '@sgp/shared/sync-payloads';
import type { MergedEntity } from '@sgp/sync-engine/merge';
import { editFault, ruleOf } from '@sgp/sync-engine/ownership';
import type { ParkReason } from '@sgp/sync-engine/ports';
import type { SharedStore } from '../catalogue/shared-store.ts';
import type { HlcStore } from '../outbox/hlc-store.ts';

/** Takes a shared entity of the Core in. Fields of a newer Core are left out; this version could not show them. */
export const createTakeShared =
  (deps: { readonly shared: Pick<SharedStore, 'settle'>; readonly hlc: Pick<HlcStore, 'observe'> }, kind: SharedKind) =>
  async (tx: Database, payload: MergedEntity): Promise<ParkReason | null> => {
    if (payload.kind !== kind) return { code: 'BODY_INVALID', detail: `a ${payload.kind} among the ${kind} changes` };
    const known = Object.entries(payload.fields).filter(([field]) => ruleOf(kind, field) !== undefined);
    const stamps = known.map(([, { at }]) => at).sort();
    const last = stamps.at(-1);
    if (last === undefined) return { code: 'BODY_INVALID', detail: 'no field that is known here' };
    const fields: FieldEdit['fields'] = Object.fromEntries(
      known.map(([name, { value }]) => [name, { value, saw: null }]),
    );
    const fault = editFault({ editId: payload.entityId, kind, entityId: payload.entityId, at: last, who: '-', fields });
    if (fault !== null) return { code: 'BODY_INVALID', detail: fault };
    await deps.hlc.observe(tx, last);
    await deps.shared.settle(tx, { ...payload, fields: Object.fromEntries(known) });
    return null;
  };
