import * as z from 'zod';
import { errorCodes } from '../errors.ts';
import { eventLevels, machineStates } from '../floor-messages.ts';
import { deviceSlugSchema, uuidSchema } from '../ids.ts';
import { nameField, timeMs } from './common.ts';

/** Machines, their telemetry and their log. Served by production-api below `/api`, session needed. */

/** GET /api/machines · POST /api/machines · GET, PATCH /api/machines/:id */
export const newMachineBody = z.strictObject({
  name: nameField,
  slug: deviceSlugSchema,
  kind: z.string().trim().max(40).default(''),
  sector: z.string().trim().max(40).default(''),
});
export const patchMachineBody = z.strictObject({
  name: nameField.optional(),
  kind: z.string().trim().max(40).optional(),
  sector: z.string().trim().max(40).optional(),
});
/** What is known of a machine. `state` is what it last said; `signal` says whether that can be believed now. */
export const machineSchema = z.object({
  machineId: uuidSchema,
  slug: z.string(),
  name: z.string(),
  kind: z.string(),
  sector: z.string(),
  username: z.string(),
  /** `online`: connected and talking; `silent`: connected, nothing for machineSilentAfterMs; `offline`; `never`: no message yet; `revoked`: no credential. */
  signal: z.enum(['online', 'silent', 'offline', 'never', 'revoked']),
  signalSince: timeMs.nullable(),
  state: z.enum(machineStates).nullable(),
  stateReason: z.string().nullable(),
  stateSince: timeMs.nullable(),
  lastMessageAt: timeMs.nullable(),
  /** Machine's clock minus ours at its last message, in ms. */
  clockSkewMs: z.number().int().nullable(),
  /** Since local midnight. */
  today: z.object({ good: z.number().int(), scrap: z.number().int() }),
  /** Last value of each metric. */
  metrics: z.array(z.object({ name: z.string(), value: z.union([z.number(), z.boolean(), z.string()]), at: timeMs })),
  order: z.object({ orderId: uuidSchema, number: z.string(), customer: z.string() }).nullable(),
  refusedCount: z.number().int(),
  credential: z.object({ createdAt: timeMs, rotatedAt: timeMs.nullable(), revokedAt: timeMs.nullable() }),
});
export type Machine = z.infer<typeof machineSchema>;
export const machinesSchema = z.object({ machines: z.array(machineSchema) });
/**
 * True: the broker confirmed the change, so it holds now. False: it is stored, the broker did not confirm in time, and it
 * holds from the moment on in which the broker is back; until then what was valid before may still be let in.
 */
const enforced = z.boolean();
/** Answer of POST /api/machines and POST /api/machines/:id/credential: the secret is shown this once. */
export const machineCredentialSchema = z.object({
  machine: machineSchema,
  enforced,
  credential: z.object({
    username: z.string(),
    clientId: z.string(),
    password: z.string(),
    host: z.string(),
    port: z.number().int(),
    topicPrefix: z.string(),
  }),
});
export type MachineCredential = z.infer<typeof machineCredentialSchema>;
/** Answer of DELETE /api/machines/:id/credential. */
export const revokedMachineSchema = machineSchema.extend({ enforced });
export type RevokedMachine = z.infer<typeof revokedMachineSchema>;

/** GET /api/machines/:id/telemetry?metric=&from=&to=&points= : at most `points` buckets; a bucket without samples is left out, so a gap is a gap. */
export const telemetryQuery = z.strictObject({
  metric: z.string().min(1).max(64),
  from: z.coerce.number().int(),
  to: z.coerce.number().int(),
  points: z.coerce.number().int().min(10).max(2000).default(400),
});
export const telemetrySeriesSchema = z.object({
  metric: z.string(),
  from: timeMs,
  to: timeMs,
  bucketMs: z.number().int(),
  /** Column-wise, as uplot wants it. */
  at: z.array(timeMs),
  min: z.array(z.number()),
  avg: z.array(z.number()),
  max: z.array(z.number()),
});
export type TelemetrySeries = z.infer<typeof telemetrySeriesSchema>;
/** GET /api/machines/:id/states?from=&to= : spans for the band below the chart; `signal: false` spans are gaps. */
export const stateSpansSchema = z.object({
  spans: z.array(z.object({ from: timeMs, to: timeMs, state: z.enum(machineStates).nullable(), signal: z.boolean() })),
});

/** GET /api/machines/:id/log?level=&q=&before=&limit= newest first; the same with `.csv` for a file. */
export const logLineSchema = z.object({
  lineId: z.string(),
  at: timeMs,
  /** The machine's own time, when it differs. */
  machineAt: timeMs.nullable(),
  kind: z.enum(['state', 'count', 'event', 'scan', 'signal', 'refused', 'result']),
  level: z.enum(eventLevels),
  code: z.string(),
  text: z.string(),
  /** Set when the message was accepted but marked (for example FLOOR_CLOCK_SKEW) or refused. */
  mark: z.enum(errorCodes).nullable(),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type LogLine = z.infer<typeof logLineSchema>;
export const logQuery = z.strictObject({
  level: z.enum(eventLevels).optional(),
  q: z.string().max(100).optional(),
  before: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export const logSchema = z.object({ lines: z.array(logLineSchema), nextBefore: z.string().nullable() });

/** GET /api/machines/:id/refusals and GET /api/refusals (clients that are not registered): newest first, with counts by reason. */
export const refusalsSchema = z.object({
  counts: z.array(z.object({ code: z.enum(errorCodes), count: z.number().int(), lastAt: timeMs })),
  last: z.array(
    z.object({
      at: timeMs,
      code: z.enum(errorCodes),
      username: z.string().nullable(),
      clientId: z.string().nullable(),
      topic: z.string().nullable(),
      excerpt: z.string().nullable(),
      sizeBytes: z.number().int().nullable(),
    }),
  ),
});
export type Refusals = z.infer<typeof refusalsSchema>;
