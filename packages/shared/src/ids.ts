import * as z from 'zod';

/** UUID version 7 (RFC 9562 §5.7), lower case. Every identity of SGP is one, born where the thing is created. */
export const uuidSchema = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'must be a UUIDv7');

/** Short name of an establishment, as topics and file names carry it. */
export const establishmentSlugSchema = z.string().regex(/^[a-z0-9]{1,32}$/, 'must be 1 to 32 of a-z and 0-9');

/** Short name of a device; with the establishment's slug it is the MQTT username and clientId `{est}.{device}`. */
export const deviceSlugSchema = establishmentSlugSchema;

/** Lower-case hexadecimal SHA-256. */
export const sha256HexSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a lower-case hex SHA-256');

/**
 * Builds a UUIDv7 from a time and ten random bytes: pure, so that simulations stay reproducible.
 * @param nowMs milliseconds since 1970-01-01 UTC
 * @param random at least 10 random bytes
 */
export function uuidV7(nowMs: number, random: Uint8Array): string {
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(12, '0').slice(-12);
  const hex = Array.from(random.subarray(0, 10), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = ((Number.parseInt(hex[4] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(1, 4)}-${variant}${hex.slice(5, 8)}-${hex.slice(8, 20)}`;
}
