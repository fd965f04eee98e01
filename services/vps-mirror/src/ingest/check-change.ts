import { hash } from 'node:crypto';
import { canonicalJson, type Json } from '@sgp/shared/canonical-json';
import type { ErrorCode } from '@sgp/shared/errors';
import { mediaPresets } from '@sgp/shared/floor-messages';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import type { StreamName } from '@sgp/shared/sync';
import { payloadSchemas } from '@sgp/shared/sync-payloads';
import { editFault } from '@sgp/sync-engine/ownership';
import type * as z from 'zod';
import type { EnvelopeChange } from './decode-batch.ts';

/** Why a change is kept aside. */
export type ParkReason = { readonly code: ErrorCode; readonly detail: string };
export type Payload<S extends StreamName = StreamName> = z.infer<(typeof payloadSchemas)[S]>;
/** A change whose content is right; `doc` is the canonical JSON of its payload, the text that `hash` stands for. */
export type GoodChange<S extends StreamName = StreamName> = {
  readonly change: EnvelopeChange;
  readonly payload: Payload<S>;
  readonly doc: string;
};
export type CheckedChange =
  | ({ readonly ok: true } & GoodChange)
  | { readonly ok: false; readonly change: EnvelopeChange; readonly reason: ParkReason };

export type Tenant = { readonly companyId: string; readonly establishmentId: string };

type Fault = ParkReason | null;
type StreamCheck<S extends StreamName> = {
  readonly idOf: (payload: Payload<S>) => string;
  readonly fault?: (payload: Payload<S>, change: EnvelopeChange, tenant: Tenant) => Fault;
};

/** What is looked at beyond the schema and the hash, for each stream. */
const checks: { readonly [S in StreamName]: StreamCheck<S> } = {
  orders: { idOf: ({ orderId }) => orderId, fault: orderFault },
  customers: { idOf: ({ customerId }) => customerId },
  machines: { idOf: ({ machineId }) => machineId },
  stock: { idOf: ({ movementId }) => movementId },
  blocks: { idOf: ({ editId }) => editId, fault: (edit) => ofKind(edit, 'block') },
  edits: { idOf: ({ editId }) => editId, fault: (edit) => ofKind(edit, 'catalogue') },
  audit: { idOf: ({ entryId }) => entryId },
  rollups: { idOf: ({ rollupId }) => rollupId },
};

/**
 * Holds one change against its stream's schema, its hash, its envelope and its tenant. A fault parks this change alone.
 * @param stream the one whose address was called; the change is of it
 */
export function checkChange(stream: StreamName, change: EnvelopeChange, tenant: Tenant): CheckedChange {
  const parsed = payloadSchemas[stream].safeParse(change.payload);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return park(change, invalid(`the content does not fit: ${issue?.path.join('.')}: ${issue?.message}`));
  }
  const payload = parsed.data;
  const check = checks[stream] as unknown as StreamCheck<StreamName>;
  const foreign = stream === 'orders' ? foreignOrder(payload as OrderSnapshot, tenant) : null;
  if (foreign) return park(change, foreign);
  const doc = canonicalText(stream, change.payload as Json, payload as Json);
  if (hash('sha256', doc) !== change.hash) return park(change, invalid('the hash is not that of the content'));
  if (check.idOf(payload) !== change.entityId) return park(change, invalid('entityId is not the id of the content'));
  const fault = check.fault?.(payload, change, tenant) ?? null;
  return fault === null ? { ok: true, change, payload, doc } : park(change, fault);
}

/**
 * The text that the hash stands for: of what the strict schema let through, so that a member which the schema does not
 * know changes it. The schema of an order alters nothing: if its members came in canonical order, as an edge sends them,
 * the text is had at a sixth of the cost.
 */
function canonicalText(stream: StreamName, given: Json, parsed: Json): string {
  return stream === 'orders' && isCanonical(given) ? JSON.stringify(given) : canonicalJson(parsed);
}

/** `__proto__` is the one member that a strict schema may miss. */
function isCanonical(value: Json | undefined): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return (value as readonly Json[]).every(isCanonical);
  let before = '';
  for (const name in value) {
    if (name < before || name === '__proto__') return false;
    if (!isCanonical((value as { readonly [key: string]: Json | undefined })[name])) return false;
    before = name;
  }
  return true;
}

function foreignOrder(snapshot: OrderSnapshot, tenant: Tenant): Fault {
  const own = snapshot.companyId === tenant.companyId && snapshot.establishmentId === tenant.establishmentId;
  return own ? null : { code: 'TENANT_MISMATCH', detail: 'the order names another company or establishment' };
}

function orderFault(snapshot: OrderSnapshot, change: EnvelopeChange): Fault {
  if (snapshot.version !== change.version || snapshot.updatedAt !== change.updatedAt)
    return invalid('version or updatedAt differs between the change and the order');
  if (!mediaIsOwn(snapshot)) return { code: 'TENANT_MISMATCH', detail: 'a photo has the storage key of another thing' };
  return null;
}

/** A key names its own photo of its own establishment: signed addresses are made from it without looking again. */
function mediaIsOwn({ companyId, establishmentId, media }: OrderSnapshot): boolean {
  return media.every(({ mediaId, keys }) =>
    mediaPresets.every((preset) => keys[preset] === `${companyId}/${establishmentId}/${mediaId}/${preset}`),
  );
}

/** An edit that cannot be merged is parked before it is written. */
function ofKind(edit: Payload<'edits'>, kind: Payload<'edits'>['kind']): Fault {
  if (edit.kind !== kind) return invalid(`this stream carries edits of kind ${kind}`);
  const fault = editFault(edit);
  return fault === null ? null : invalid(fault);
}

const invalid = (detail: string): ParkReason => ({ code: 'BODY_INVALID', detail });
const park = (change: EnvelopeChange, reason: ParkReason): CheckedChange => ({ ok: false, change, reason });
