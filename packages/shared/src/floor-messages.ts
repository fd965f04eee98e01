import * as z from 'zod';
import { errorCodes } from './errors.ts';
import { uuidSchema } from './ids.ts';
import { limits } from './limits.ts';

/** What machines publish below `sgp/{est}/{device}/up/` (DESIGN §3). Times are ISO 8601 or milliseconds since 1970. */

const text = z.string().max(limits.floorTextMaxChars);
const name = z.string().min(1).max(limits.floorNameMaxChars);
/** The machine's own time, normalised to milliseconds since 1970-01-01 UTC. */
const ts = z.union([
  z.number().int().nonnegative(),
  z.iso.datetime({ offset: true }).transform((iso) => Date.parse(iso)),
]);
/** Given by the machine; with the device it makes a message unique, so that a repeat is stored once. */
const messageId = z.union([name, z.number().int().nonnegative().transform(String)]);

export const machineStates = ['running', 'idle', 'stopped', 'fault', 'off'] as const;
export type MachineState = (typeof machineStates)[number];

export const stateMessageSchema = z.object({ ts, state: z.enum(machineStates), reason: text.optional() });

const telemetrySampleSchema = z.object({
  ts,
  values: z
    .record(name, z.union([z.number(), z.boolean(), text]))
    .refine((values) => Object.keys(values).length <= limits.telemetryValuesPerSampleMax, 'too many values'),
});
export const telemetryMessageSchema = z.union([
  telemetrySampleSchema.transform((sample) => [sample]),
  z.array(telemetrySampleSchema).min(1).max(limits.telemetrySamplesPerMessageMax),
]);

export const countMessageSchema = z.object({
  ts,
  id: messageId,
  good: z.number().int().nonnegative(),
  scrap: z.number().int().nonnegative().default(0),
  /** The order's number or id, where the machine knows it. */
  order: name.optional(),
});

export const eventLevels = ['debug', 'info', 'warn', 'error'] as const;
export type EventLevel = (typeof eventLevels)[number];
export const eventMessageSchema = z.object({ ts, id: messageId, level: z.enum(eventLevels), code: name, text });

export const scanMessageSchema = z.object({ ts, id: messageId, code: text.min(1) });
export const resultMessageSchema = z.object({
  ts: ts.optional(),
  id: messageId,
  ok: z.boolean(),
  text: text.optional(),
});

/** One schema per topic: total over {@link import('./topics.ts').FloorKind}. */
export const floorMessageSchemas = {
  state: stateMessageSchema,
  telemetry: telemetryMessageSchema,
  count: countMessageSchema,
  event: eventMessageSchema,
  scan: scanMessageSchema,
  result: resultMessageSchema,
} as const;

export type StateMessage = z.infer<typeof stateMessageSchema>;
export type TelemetryMessage = z.infer<typeof telemetryMessageSchema>;
export type CountMessage = z.infer<typeof countMessageSchema>;
export type EventMessage = z.infer<typeof eventMessageSchema>;
export type ScanMessage = z.infer<typeof scanMessageSchema>;
export type ResultMessage = z.infer<typeof resultMessageSchema>;

/** Retained at `sgp/{est}/{device}/online`, written by the broker alone. */
export const onlineSchema = z.object({
  online: z.boolean(),
  at: z.number().int(),
  reason: z.string().max(limits.floorTextMaxChars).optional(),
});
export type Online = z.infer<typeof onlineSchema>;

/** `sgp/{est}/_bus/refused`: what the broker refused, so that the machine's page can name the reason. */
export const refusalSchema = z.object({
  id: uuidSchema,
  at: z.number().int(),
  code: z.enum(errorCodes),
  /** As the client gave it, cut to a safe length and cleaned of control characters. Null when it gave none. */
  username: z.string().nullable(),
  clientId: z.string().nullable(),
  topic: z.string().nullable(),
  remoteAddress: z.string().nullable(),
  /** Size of what was refused, in bytes, where it matters. */
  sizeBytes: z.number().int().nullable(),
  /** First characters of the payload, for the person who connects the machine. */
  excerpt: z.string().max(200).nullable(),
});
export type Refusal = z.infer<typeof refusalSchema>;

/** `sgp/{est}/_service/{name}/status`, retained, with last will `online: false`. */
export const serviceStatusSchema = z.object({
  online: z.boolean(),
  at: z.number().int(),
  version: z.string(),
  pid: z.number().int().optional(),
});
export type ServiceStatus = z.infer<typeof serviceStatusSchema>;

/** `sgp/{est}/_bus/media/uploaded`: an original is on the disk of the shop and wants its thumbnails. */
export const mediaUploadedSchema = z.object({
  mediaId: uuidSchema,
  orderId: uuidSchema,
  /** File name below the originals' folder; never a path. */
  file: z.string().regex(/^[0-9a-f-]{36}$/),
  sizeBytes: z.number().int().positive(),
});
export type MediaUploaded = z.infer<typeof mediaUploadedSchema>;

/** `sgp/{est}/_bus/media/deleted`: a photo was removed from its order; its objects must go from the bucket or the VPS. */
export const mediaDeletedSchema = z.object({ mediaId: uuidSchema, orderId: uuidSchema });
export type MediaDeleted = z.infer<typeof mediaDeletedSchema>;

export const mediaPresets = [160, 480, 1280] as const;
export type MediaPreset = (typeof mediaPresets)[number];

/** Storage key of each preset, without extension: `.webp` and `.jpg` exist for each. */
export const mediaKeysSchema = z.object({
  160: z.string().max(300),
  480: z.string().max(300),
  1280: z.string().max(300),
});

/**
 * `sgp/{est}/_bus/media/published`: how the work on one original stands. `derived` = thumbnails are on the disk of the
 * shop; `published` = they are in the bucket or on the VPS; `refused` = the file cannot be used, with the reason;
 * `deleted` = nothing of it is in the bucket, on the VPS or among the thumbnails any more.
 */
export const mediaPublishedSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('derived'),
    mediaId: uuidSchema,
    width: z.number().int(),
    height: z.number().int(),
    thumbhash: z.string().max(64),
    takenAt: z.number().int().nullable(),
  }),
  z.object({
    outcome: z.literal('published'),
    mediaId: uuidSchema,
    width: z.number().int(),
    height: z.number().int(),
    thumbhash: z.string().max(64),
    takenAt: z.number().int().nullable(),
    keys: mediaKeysSchema,
  }),
  z.object({
    outcome: z.literal('refused'),
    mediaId: uuidSchema,
    code: z.enum(errorCodes),
    detail: z.string().max(500),
  }),
  z.object({ outcome: z.literal('deleted'), mediaId: uuidSchema }),
]);
export type MediaPublished = z.infer<typeof mediaPublishedSchema>;
