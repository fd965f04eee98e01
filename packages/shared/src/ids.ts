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
