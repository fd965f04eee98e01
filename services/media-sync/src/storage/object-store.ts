import type { MediaPreset } from '@sgp/shared/floor-messages';
import { type DerivedName, derivedNames } from '../photos/photo.ts';

export type StoredObject = { readonly key: string; readonly body: Buffer; readonly contentType: string };

/**
 * `unavailable`: nothing of this kind works now (no network, wrong settings, the store is ill): everybody waits.
 * `rejected`: the store is well and does not want this one object.
 */
export type StoreFault = {
  readonly outcome: 'unavailable' | 'rejected';
  readonly reason: string;
  /** The store is well and names the time after which it takes more (RFC 9110 §10.2.3). */
  readonly retryAfterMs?: number;
};
export type PutOutcome = { readonly outcome: 'stored' } | StoreFault;
/** `sizeBytes` is null when the store does not have the object. */
export type HeadOutcome = { readonly outcome: 'known'; readonly sizeBytes: number | null } | StoreFault;

export type RemoveOutcome = { readonly outcome: 'removed' } | StoreFault;

/** Where derived files go: a bucket, or the VPS. Putting an object twice leaves one. It never throws. */
export type ObjectStore = {
  readonly kind: 's3' | 'mirror';
  put(object: StoredObject): Promise<PutOutcome>;
  head(key: string): Promise<HeadOutcome>;
  /** What is not there counts as removed. */
  remove(key: string): Promise<RemoveOutcome>;
};

export type Tenant = { readonly companyId: string; readonly establishmentId: string };

/** Key without extension, as the order's snapshot lists it. */
export const storageKey = ({ companyId, establishmentId }: Tenant, mediaId: string, preset: MediaPreset): string =>
  `${companyId}/${establishmentId}/${mediaId}/${preset}`;

/** Keys of a photo's six objects. */
export const objectKeys = (
  { companyId, establishmentId }: Tenant,
  mediaId: string,
): readonly { readonly name: DerivedName; readonly key: string }[] =>
  derivedNames.map((name) => ({ name, key: `${companyId}/${establishmentId}/${mediaId}/${name}` }));

/** Refusals that are about the caller or the moment, not about the object. */
const notTheObject = new Set([401, 403, 404, 405, 407, 408, 409, 423, 425, 429]);

/** What an HTTP status of a failed call says. */
export const faultOf = (status: number, reason: string): StoreFault => ({
  outcome: status >= 400 && status < 500 && !notTheObject.has(status) ? 'rejected' : 'unavailable',
  reason: `${status} ${reason}`.slice(0, 300),
});
