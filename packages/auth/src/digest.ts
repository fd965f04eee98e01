import { createHash, timingSafeEqual } from 'node:crypto';
import { canonicalJson, type Json } from '@sgp/shared/canonical-json';

/** Lower-case hexadecimal SHA-256. Text is hashed as UTF-8. */
export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Hash of a change's payload: SHA-256 of its RFC 8785 form, equal on every machine that holds the same content. */
export const changeHash = (payload: Json): string => sha256Hex(canonicalJson(payload));

/** `Content-Digest` of a body (RFC 9530 §2), taken over the bytes as they travel, so after compression. */
export const contentDigest = (body: Uint8Array): string =>
  `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

/** Compares two secrets in a time that tells nothing about them, not even their lengths. */
export const safeEqual = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
