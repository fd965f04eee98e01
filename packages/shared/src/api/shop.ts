import * as z from 'zod';
import { errorCodes } from '../errors.ts';
import { uuidSchema } from '../ids.ts';
import { lanes, streams, syncStatusSchema } from '../sync.ts';
import { serviceNames } from '../topics.ts';
import { nameField, timeMs } from './common.ts';
import { stageSchema } from './orders.ts';
import { syncDownSchema, syncIncidentSchema } from './sync.ts';

/** Settings, licence, sync and health. Served by production-api below `/api`, session needed. */

const phone = z.string().trim().max(20);
/** GET /api/settings · PUT /api/settings (owner, manager) */
export const settingsSchema = z.object({
  shop: z.object({ name: z.string(), phone: z.string(), whatsapp: z.string(), timeZone: z.string() }),
  stages: z.array(stageSchema),
});
export const putSettingsBody = z.strictObject({
  shop: z.strictObject({ name: nameField, phone, whatsapp: phone, timeZone: z.string().max(64) }).optional(),
  /** Labels only; the keys and their statuses are fixed. */
  stageLabels: z.array(z.strictObject({ key: z.string(), label: nameField })).optional(),
});
export type Settings = z.infer<typeof settingsSchema>;

/** GET /api/licence: verified offline at each read. */
export const licenceSchema = z.object({
  state: z.enum(['active', 'expired', 'invalid', 'missing']),
  reason: z.string().nullable(),
  licenceId: z.string().nullable(),
  plan: z.string().nullable(),
  companyName: z.string().nullable(),
  establishmentName: z.string().nullable(),
  expiresAt: timeMs.nullable(),
  checkedAt: timeMs,
});
export type Licence = z.infer<typeof licenceSchema>;

/** GET /api/sync: the chip's status and what the page about it shows. */
export const syncPageSchema = z.object({
  status: syncStatusSchema,
  nodeId: uuidSchema,
  /** Newest first: what waits. */
  pending: z.array(
    z.object({
      stream: z.enum(streams),
      seq: z.number().int(),
      orderId: uuidSchema,
      number: z.string(),
      customer: z.string(),
      /** What a thing that is no order is called; null when it has no name. */
      name: z.string().nullable(),
      version: z.number().int(),
      at: timeMs,
      attempts: z.number().int(),
    }),
  ),
  parked: z.array(
    z.object({
      seq: z.number().int(),
      stream: z.enum(streams),
      orderId: uuidSchema,
      number: z.string(),
      name: z.string().nullable(),
      code: z.enum(errorCodes),
      detail: z.string(),
      at: timeMs,
    }),
  ),
  /** Newest first: the last outages. */
  incidents: z.array(syncIncidentSchema),
  down: syncDownSchema,
  /** What waits, lane by lane. */
  lanes: z.array(
    z.object({ lane: z.literal(lanes), pending: z.number().int().nonnegative(), oldestAt: timeMs.nullable() }),
  ),
  /** The newest signed word of the Core that edge and mirror are equal; null before the first. */
  receipt: z
    .object({
      at: timeMs,
      streams: z.array(z.object({ stream: z.enum(streams), rows: z.number().int().nonnegative() })),
    })
    .nullable(),
  totals: z.object({ batches: z.number().int(), changesAcked: z.number().int(), bytesSent: z.number().int() }),
  /** Photos since the oldest one that waits, or since the outage that it belongs to: those that the cloud has, and all. */
  photos: z.object({ done: z.number().int().nonnegative(), total: z.number().int().nonnegative() }),
  /** Bulk data that was left out because the disk was nearly full. */
  shed: z.number().int().nonnegative(),
  versions: z.object({ shop: z.string(), cloud: z.string().nullable() }),
  /** When the shop's backup last ended well; null when none is known of. */
  backupAt: timeMs.nullable(),
  disk: z.object({ freeBytes: z.number(), totalBytes: z.number() }).nullable(),
});
export type SyncPage = z.infer<typeof syncPageSchema>;

/** GET /api/services */
export const servicesSchema = z.object({
  services: z.array(
    z.object({
      name: z.enum(serviceNames),
      online: z.boolean(),
      at: timeMs.nullable(),
      version: z.string().nullable(),
    }),
  ),
  version: z.string(),
});
export type Services = z.infer<typeof servicesSchema>;
