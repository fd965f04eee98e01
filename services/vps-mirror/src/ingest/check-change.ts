import { sha256Hex } from '@sgp/auth/digest';
import { canonicalJson } from '@sgp/shared/canonical-json';
import type { ErrorCode } from '@sgp/shared/errors';
import { mediaPresets } from '@sgp/shared/floor-messages';
import { type OrderSnapshot, orderSnapshotSchema } from '@sgp/shared/order-snapshot';
import type { EnvelopeChange } from './decode-batch.ts';

/** Why a change is kept aside. */
export type ParkReason = { readonly code: ErrorCode; readonly detail: string };
/** A change whose content is right; `doc` is the canonical JSON of its snapshot, the text that `hash` stands for. */
export type GoodChange = { readonly change: EnvelopeChange; readonly snapshot: OrderSnapshot; readonly doc: string };
export type CheckedChange =
  | ({ readonly ok: true } & GoodChange)
  | { readonly ok: false; readonly change: EnvelopeChange; readonly reason: ParkReason };

export type Tenant = { readonly companyId: string; readonly establishmentId: string };

/**
 * Holds one change against the order's schema, its hash, its envelope and its tenant. A fault parks this change alone.
 * The hash is taken over what the strict schema let through: a member that the schema does not know changes it.
 */
export function checkChange(change: EnvelopeChange, tenant: Tenant): CheckedChange {
  const parsed = orderSnapshotSchema.safeParse(change.payload);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return park(change, 'BODY_INVALID', `the order does not fit: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const snapshot = parsed.data;
  if (snapshot.companyId !== tenant.companyId || snapshot.establishmentId !== tenant.establishmentId)
    return park(change, 'TENANT_MISMATCH', 'the order names another company or establishment');
  const doc = canonicalJson(snapshot);
  if (sha256Hex(doc) !== change.hash) return park(change, 'BODY_INVALID', 'the hash is not that of the content');
  if (snapshot.orderId !== change.entityId) return park(change, 'BODY_INVALID', 'entityId is not the orderId');
  if (snapshot.version !== change.version || snapshot.updatedAt !== change.updatedAt)
    return park(change, 'BODY_INVALID', 'version or updatedAt differs between the change and the order');
  if (!mediaIsOwn(snapshot)) return park(change, 'TENANT_MISMATCH', 'a photo has the storage key of another thing');
  return { ok: true, change, snapshot, doc };
}

/** A key names its own photo of its own establishment: signed addresses are made from it without looking again. */
function mediaIsOwn({ companyId, establishmentId, media }: OrderSnapshot): boolean {
  return media.every(({ mediaId, keys }) =>
    mediaPresets.every((preset) => keys[preset] === `${companyId}/${establishmentId}/${mediaId}/${preset}`),
  );
}

function park(change: EnvelopeChange, code: ErrorCode, detail: string): CheckedChange {
  return { ok: false, change, reason: { code, detail } };
}
