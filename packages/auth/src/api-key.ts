import { randomBytes } from 'node:crypto';
import { sha256Hex } from './digest.ts';

/** `npk_live_{shortId}_{43 characters}`: selects the node; it is never enough alone, since every call is signed too. */
const pattern = /^npk_live_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;

/** A new API key with 256 random bits. Only its hash is stored. */
export function createApiKey(shortId: string): { readonly apiKey: string; readonly hash: string } {
  const apiKey = `npk_live_${shortId}_${randomBytes(32).toString('base64url')}`;
  return { apiKey, hash: sha256Hex(apiKey) };
}

/**
 * Reads an `x-api-key` header.
 * @returns the node's short id and the SHA-256 (hex) of the whole key, to be compared with {@link safeEqual}; `undefined`
 *   when it is no API key
 */
export function parseApiKey(header: string): { readonly shortId: string; readonly hash: string } | undefined {
  const match = pattern.exec(header);
  return match?.[1] === undefined ? undefined : { shortId: match[1], hash: sha256Hex(header) };
}
