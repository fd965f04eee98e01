/** UUIDs without the schema library, so that a browser can make and read them; `ids.ts` has their schema. */

/**
 * Builds a UUIDv7 (RFC 9562 §5.7) from a time and ten random bytes: pure, so that simulations stay reproducible.
 * @param nowMs milliseconds since 1970-01-01 UTC
 * @param random at least 10 random bytes
 */
export function uuidV7(nowMs: number, random: Uint8Array): string {
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(12, '0').slice(-12);
  const hex = Array.from(random.subarray(0, 10), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = ((Number.parseInt(hex[4] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(1, 4)}-${variant}${hex.slice(5, 8)}-${hex.slice(8, 20)}`;
}

/** When a UUIDv7 was made, in milliseconds since 1970-01-01 UTC: its first 48 bits. NaN for what is no UUID. */
export const uuidV7Time = (uuid: string): number => Number.parseInt(uuid.replace('-', '').slice(0, 12), 16);
