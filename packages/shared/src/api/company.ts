import * as z from 'zod';
import { hlcSchema } from '../clock.ts';
import { uuidSchema } from '../ids.ts';
import { syncStates } from '../sync.ts';
import {
  fieldValueSchema,
  sharedEntitySchema,
  sharedKinds,
  transferSchema,
  userPayloadSchema,
} from '../sync-payloads.ts';
import { nameField, textField, timeMs } from './common.ts';
import { conflictEntrySchema } from './conflicts.ts';
import { loginField } from './people.ts';

/**
 * The company's side of the mirror, below `/api/company`, with `authorization: Bearer <company token>`. The token says which
 * company it is; a thing of another company is NOT_FOUND. `read` reads, `write` also writes.
 */

// --- tokens, by the vendor: `/api/core/companies/:companyId/tokens` ---

export const tokenScopes = ['read', 'write'] as const;
export type TokenScope = (typeof tokenScopes)[number];
export const companyParams = z.strictObject({ companyId: uuidSchema });
export const tokenParams = z.strictObject({ companyId: uuidSchema, tokenId: z.string().regex(/^[a-z0-9]{12}$/) });
/** POST → 201 */
export const newTokenBody = z.strictObject({
  /** Who uses it: what it does is signed with this name. */
  name: nameField,
  scope: z.enum(tokenScopes),
  lifeDays: z.number().int().min(1).max(365).default(180),
});
export const companyTokenSchema = z.object({
  tokenId: z.string(),
  name: z.string(),
  scope: z.enum(tokenScopes),
  createdAt: timeMs,
  expiresAt: timeMs,
  revokedAt: timeMs.nullable(),
  /** To the minute. */
  lastUsedAt: timeMs.nullable(),
});
/** `token` is told this once; only its SHA-256 is stored. */
export const newTokenSchema = companyTokenSchema.extend({ token: z.string() });
export const companyTokensSchema = z.object({ tokens: z.array(companyTokenSchema) });

// --- people ---

/** The owner is made in the shop and stays there: no owner is written from outside. */
export const companyRoles = ['manager', 'desk', 'operator'] as const;
export const companyUserSchema = userPayloadSchema.extend({ version: z.number().int().positive() });
export type CompanyUser = z.infer<typeof companyUserSchema>;
export const companyUsersSchema = z.object({ users: z.array(companyUserSchema) });
/** POST /api/company/users → 201. They get their first password in the shop. */
export const newCompanyUserBody = z.strictObject({ login: loginField, name: nameField, role: z.enum(companyRoles) });
/** PATCH /api/company/users/:id; `version` is the one that was read. */
export const patchCompanyUserBody = z.strictObject({
  version: z.number().int().positive(),
  name: nameField.optional(),
  role: z.enum(companyRoles).optional(),
  disabled: z.boolean().optional(),
});

// --- catalogue and blocks ---

export const companyEntitySchema = sharedEntitySchema.extend({ version: z.number().int().positive() });
export type CompanyEntity = z.infer<typeof companyEntitySchema>;
export const pageQuery = z.strictObject({
  /** `nextAfter` of the page before. */
  after: uuidSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
export const companyEntitiesSchema = z.object({
  items: z.array(companyEntitySchema),
  nextAfter: uuidSchema.nullable(),
});
/** What was read is told with what is written: another stamp at the Core means that two wrote without knowing of each other. */
const editedFields = z.record(
  z.string().max(32),
  z.strictObject({ value: fieldValueSchema, saw: hlcSchema.nullable() }),
);
/** POST /api/company/catalogue → 201 */
export const newItemBody = z.strictObject({
  name: nameField,
  unit: z.string().trim().max(16).nullable().default(null),
  priceCents: z.number().int().min(0).nullable().default(null),
  leadDays: z.number().int().min(0).max(365).nullable().default(null),
});
/** PATCH /api/company/catalogue/:id and /api/company/blocks/:id; a block that is not there yet is made. */
export const editBody = z.strictObject({ fields: editedFields });
/** What stands now, and the conflicts that the writing found: a write that lost is in one of them. */
export const editedSchema = z.object({ item: companyEntitySchema, conflicts: z.array(conflictEntrySchema) });
export const companyKinds = sharedKinds;

// --- transfers ---

/** POST /api/company/transfers → 201. Name and unit are those of the catalogue. */
export const newTransferBody = z.strictObject({
  fromEstablishmentId: uuidSchema,
  toEstablishmentId: uuidSchema,
  materialId: uuidSchema,
  quantityMilli: z.number().int().positive().max(1e12),
});
export const companyTransferSchema = transferSchema.extend({ version: z.number().int().positive() });
/** GET /api/company/transfers */
export const companyTransfersSchema = z.object({
  transfers: z.array(companyTransferSchema),
  nextAfter: uuidSchema.nullable(),
});

// --- conflicts ---

export const companyConflictSchema = conflictEntrySchema.extend({ establishmentIds: z.array(uuidSchema) });
export type CompanyConflict = z.infer<typeof companyConflictSchema>;
export const companyConflictsSchema = z.object({
  conflicts: z.array(companyConflictSchema),
  open: z.number().int().nonnegative(),
  nextBefore: z.string().nullable(),
});

// --- audit ---

export const companyActEntities = [
  'user',
  'catalogue',
  'block',
  'transfer',
  'conflict',
  'establishment',
  'alerts',
  'maintenance',
] as const;
export const companyActSchema = z.object({
  actId: uuidSchema,
  at: timeMs,
  tokenId: z.string(),
  /** Name of the token. */
  who: z.string(),
  entity: z.enum(companyActEntities),
  entityId: z.string(),
  action: z.string(),
  /** Null: there was nothing, or there is nothing any more. */
  before: z.record(z.string(), z.json()).nullable(),
  after: z.record(z.string(), z.json()).nullable(),
});
export type CompanyAct = z.infer<typeof companyActSchema>;
/** GET /api/company/audit: newest first. */
export const companyAuditQuery = z.strictObject({
  /** `nextBefore` of the page before. */
  before: uuidSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
export const companyAuditSchema = z.object({ acts: z.array(companyActSchema), nextBefore: uuidSchema.nullable() });

// --- how all establishments are ---

export const incidentSchema = z.object({
  incidentId: uuidSchema,
  establishmentId: uuidSchema,
  /** Last contact before it. */
  startedAt: timeMs,
  /** First contact that held; null while it lasts. */
  endedAt: timeMs.nullable(),
  /** When people were told; null when nobody was: too short, in a maintenance window, or no channel. */
  alertedAt: timeMs.nullable(),
  /** Most changes that the edge said to wait, seen when it came back. */
  peakPending: z.number().int().nonnegative(),
});
export type Incident = z.infer<typeof incidentSchema>;

export const establishmentSyncSchema = z.object({
  establishmentId: uuidSchema,
  /** As set here, or as the shop calls itself; null when neither is known. */
  name: z.string().nullable(),
  state: z.enum(syncStates),
  /** Last sign of life of any of its nodes; null before the first. */
  contactAt: timeMs.nullable(),
  /** Since when it is `offline`; null otherwise. */
  noContactSince: timeMs.nullable(),
  up: z.object({
    lastPushAt: timeMs.nullable(),
    pending: z.number().int().nonnegative(),
    oldestPendingAt: timeMs.nullable(),
    pendingMedia: z.number().int().nonnegative(),
    /** As the edge counts them. */
    parked: z.number().int().nonnegative(),
    ackedSeq: z.number().int().nonnegative(),
  }),
  down: z.object({
    lastAskAt: timeMs.nullable(),
    head: z.number().int().nonnegative(),
    acked: z.number().int().nonnegative(),
    pending: z.number().int().nonnegative(),
    oldestPendingAt: timeMs.nullable(),
    parked: z.number().int().nonnegative(),
  }),
  openConflicts: z.number().int().nonnegative(),
  /** The edge's clock minus the Core's, in ms. */
  clockSkewMs: z.number().int().nullable(),
  diskFreeBytes: z.number().int().nonnegative().nullable(),
  diskTotalBytes: z.number().int().nonnegative().nullable(),
  version: z.string().nullable(),
  /** Two live copies of a node use one identity: the vendor has to decide. */
  forked: z.boolean(),
  /** When edge and Core were last proved to be equal. */
  lastReceiptAt: timeMs.nullable(),
  /** Share of the time with contact, 0 to 1, since the later of the start of the span and the first contact; null before it. */
  availability: z.object({ day: z.number().nullable(), month: z.number().nullable() }),
  openIncident: incidentSchema.nullable(),
});
export type EstablishmentSync = z.infer<typeof establishmentSyncSchema>;
/** GET /api/company/sync */
export const companySyncSchema = z.object({ at: timeMs, establishments: z.array(establishmentSyncSchema) });
/** PUT /api/company/establishments/:id */
export const establishmentNameBody = z.strictObject({ name: nameField });

/** GET /api/company/incidents and /api/company/incidents.csv: newest first. */
export const incidentsQuery = z.strictObject({
  establishmentId: uuidSchema.optional(),
  from: z.coerce.number().int().optional(),
  until: z.coerce.number().int().optional(),
});
export const incidentsSchema = z.object({ incidents: z.array(incidentSchema) });

// --- alerts ---

export const alertLanguages = ['pt-BR', 'en'] as const;
/** PUT /api/company/alerts */
export const alertSettingsBody = z.strictObject({
  webhookUrl: z.url().max(2000).nullable(),
  emails: z.array(z.email().max(254)).max(10),
  language: z.enum(alertLanguages),
  timeZone: z.string().max(64),
});
export type AlertSettings = z.infer<typeof alertSettingsBody>;
export const deliveryStates = ['waiting', 'sent', 'given-up'] as const;
/** GET /api/company/alerts: the settings, and the newest messages with what became of them. */
export const alertsSchema = z.object({
  settings: alertSettingsBody,
  mailAvailable: z.boolean(),
  deliveries: z.array(
    z.object({
      messageId: uuidSchema,
      incidentId: uuidSchema,
      kind: z.enum(['alert', 'recovery']),
      channel: z.enum(['webhook', 'email']),
      state: z.enum(deliveryStates),
      tries: z.number().int().nonnegative(),
      createdAt: timeMs,
      sentAt: timeMs.nullable(),
      error: z.string().nullable(),
    }),
  ),
});
/**
 * POST /api/company/alerts/webhook-secret: the secret of the company's webhooks (Standard Webhooks, `whsec_…`). With
 * `rotate` a new one is made; for a day the former signs too.
 */
export const webhookSecretBody = z.strictObject({ rotate: z.boolean() });
export const webhookSecretSchema = z.object({ secret: z.string(), formerUntil: timeMs.nullable() });

/** Body of a webhook. */
export const webhookSchema = z.object({
  type: z.enum(['establishment.offline', 'establishment.recovered']),
  /** ISO 8601, when it was noticed. */
  timestamp: z.string(),
  data: z.object({
    incidentId: uuidSchema,
    companyId: uuidSchema,
    establishmentId: uuidSchema,
    establishmentName: z.string().nullable(),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    durationSeconds: z.number().int().nullable(),
  }),
});

export const maintenanceSchema = z.object({
  maintenanceId: uuidSchema,
  /** Null: all of the company. */
  establishmentId: uuidSchema.nullable(),
  from: timeMs,
  until: timeMs,
  reason: z.string(),
});
/** POST /api/company/maintenance → 201; DELETE /api/company/maintenance/:id. Nobody is alerted meanwhile. */
export const newMaintenanceBody = z
  .strictObject({ establishmentId: uuidSchema.nullable(), from: timeMs, until: timeMs, reason: textField })
  .refine(({ from, until }) => until > from, 'must end after it begins');
export const maintenancesSchema = z.object({ windows: z.array(maintenanceSchema) });
