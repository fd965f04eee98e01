import * as z from 'zod';
import { establishmentSlugSchema, uuidSchema } from '../ids.ts';
import { nameField, timeMs } from './common.ts';

/** The license service's API (`/v1`). Vendor calls need `authorization: Bearer <admin token>`; enrolment needs its code. */

/** An Ed25519 public key (RFC 8037). */
export const publicJwkSchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type PublicJwk = z.infer<typeof publicJwkSchema>;

/** POST /v1/companies → 201 */
export const newCompanyBody = z.strictObject({ name: nameField });
export const companySchema = z.object({ companyId: uuidSchema, name: z.string(), createdAt: timeMs });
/** POST /v1/companies/:id/establishments → 201 */
export const newEstablishmentBody = z.strictObject({
  name: nameField,
  slug: establishmentSlugSchema,
  timeZone: z.string().max(64).default('America/Sao_Paulo'),
});
export const establishmentSchema = z.object({
  establishmentId: uuidSchema,
  companyId: uuidSchema,
  name: z.string(),
  slug: z.string(),
  timeZone: z.string(),
  createdAt: timeMs,
});
/** POST /v1/establishments/:id/enrolment-codes → 201: 16 Crockford characters, 24 h, single use. */
export const enrolmentCodeSchema = z.object({ code: z.string(), expiresAt: timeMs });

/** POST /v1/enrol. `proof` is a compact JWS over `{code}` by the new key (typ `enrol-proof+jwt`): possession is shown, the key never leaves the node. */
export const enrolBody = z.strictObject({
  code: z.string().max(40),
  nodeId: uuidSchema,
  publicJwk: publicJwkSchema,
  proof: z.string().max(4000),
});
/** The answer, once: the API key is stored at the service only as a hash. */
export const enrolledSchema = z.object({
  nodeId: uuidSchema,
  /** 12 characters: `x-node-id`, and the middle of the API key `npk_live_{shortId}_{43}`. */
  shortId: z.string().regex(/^[a-z0-9]{12}$/),
  apiKey: z.string(),
  /** `nk_…`: names the node's key in signatures. */
  keyId: z.string(),
  company: companySchema,
  establishment: establishmentSchema,
  /** Compact JWS, `lic+jwt` (SECURITY 3.3). */
  licence: z.string(),
  /** Compact JWS, `keyset+jwt`, signed by the root. */
  keyset: z.string(),
  mirrorUrl: z.string(),
});
export type Enrolled = z.infer<typeof enrolledSchema>;

/** POST /v1/checkin, signed by the node (RFC 9421, tag `checkin/1`) → a licence renewed once it is older than a day. */
export const checkinSchema = z.object({ licence: z.string(), keyset: z.string(), serverTimeMs: timeMs });

/** GET /v1/nodes/:shortId (bearer: service token): what the mirror needs to judge a push. */
export const nodeRecordSchema = z.object({
  nodeId: uuidSchema,
  shortId: z.string(),
  companyId: uuidSchema,
  establishmentId: uuidSchema,
  status: z.enum(['active', 'suspended', 'banned']),
  /** SHA-256 (hex) of each API key that is valid. */
  apiKeyHashes: z.array(z.string()),
  keys: z.array(z.object({ keyId: z.string(), publicJwk: publicJwkSchema })),
  /** False: new orders are refused (LICENSE_RESTRICTED), known ones go on. */
  licenceActive: z.boolean(),
});
export type NodeRecord = z.infer<typeof nodeRecordSchema>;

/** Claims of a licence (SECURITY 3.3). */
export const licenceClaimsSchema = z.object({
  iss: z.string(),
  sub: z.string().startsWith('lic_'),
  aud: z.string(),
  jti: z.string(),
  iat: z.number().int(),
  nbf: z.number().int(),
  exp: z.number().int(),
  tid: uuidSchema,
  est: uuidSchema,
  seq: z.number().int().positive(),
  plan: z.string(),
  env: z.enum(['live', 'test']),
  features: z.array(z.string()),
  limits: z.object({ users: z.number().int(), machines: z.number().int(), orders_month: z.number().int() }),
  company_name: z.string(),
  establishment_name: z.string(),
  paid_until: z.number().int(),
  grace_until: z.number().int(),
});
export type LicenceClaims = z.infer<typeof licenceClaimsSchema>;

/** A public key that signs documents, with its name and the one algorithm that it may be used with (SECURITY 3.2). */
export const signingKeySchema = publicJwkSchema.extend({ kid: z.string().max(64), alg: z.literal('Ed25519') });
export type SigningKey = z.infer<typeof signingKeySchema>;

/** GET /.well-known/sgp-roots: the keys that may sign a keyset, the current one and the next. */
export const rootsSchema = z.object({ keys: z.array(signingKeySchema).min(1) });
export type Roots = z.infer<typeof rootsSchema>;

/** Claims of `GET /.well-known/sgp-keyset`, a compact JWS (`keyset+jwt`) signed by a root. */
export const keysetClaimsSchema = z.object({
  iss: z.string(),
  aud: z.string(),
  iat: z.number().int(),
  exp: z.number().int(),
  /** Grows with each change of the keys. */
  version: z.number().int().positive(),
  /** Each key signs for one purpose: licences, or what the Core says to a node about its data (`sync`). */
  keys: z.array(signingKeySchema.extend({ purpose: z.enum(['licence', 'sync']) })).min(1),
});
export type Keyset = z.infer<typeof keysetClaimsSchema>;

/** PUT /v1/keys/sync (bearer: service token): the key with which the Core signs what it says to nodes, `sync-yyyymm-…`. */
export const syncKeyBody = signingKeySchema.extend({
  kid: z.string().regex(/^sync-[0-9]{6}-[A-Za-z0-9_-]{8}$/),
});
/** The keyset that lists it is of this version, or of a later one. */
export const syncKeyRegisteredSchema = z.object({ kid: z.string(), keysetVersion: z.number().int().positive() });
