import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  companySchema,
  type Enrolled,
  enrolledSchema,
  establishmentSchema,
  publicJwkSchema,
} from '@sgp/shared/api/licensing';
import type { PrivateJwk } from './http-signature.ts';

/** File names in NODE_DIR. `key.jwk` and `identity.json` (it holds the API key) are readable by their owner only. */
export const nodeFiles = {
  identity: 'identity.json',
  key: 'key.jwk',
  /** Only the id, written before the enrolment, so that a repeat is the same node. */
  nodeId: 'node-id',
  licence: 'licence.jws',
  keyset: 'keyset.jws',
  roots: 'roots.json',
} as const;

/** Content of `key.jwk`. */
export const privateJwkSchema = publicJwkSchema.extend({ d: publicJwkSchema.shape.x });

/** Content of `identity.json`: who this node is, as enrolment told it. */
export const nodeIdentitySchema = enrolledSchema
  .pick({ nodeId: true, shortId: true, keyId: true, apiKey: true, mirrorUrl: true })
  .extend({
    companyId: companySchema.shape.companyId,
    establishmentId: establishmentSchema.shape.establishmentId,
    /** Slug of the establishment: second level of every topic. */
    est: establishmentSchema.shape.slug,
    shopName: establishmentSchema.shape.name,
    timeZone: establishmentSchema.shape.timeZone,
    /** Where the licence is renewed; missing in an identity of before renewals. */
    licenseUrl: enrolledSchema.shape.mirrorUrl.optional(),
    /** host:port that the license service knows as its own; that of `licenseUrl` when left out. */
    licenseAuthority: enrolledSchema.shape.mirrorUrl.optional(),
  });

/** `shortId` is sent as `x-node-id`; `apiKey` is a secret. */
export type NodeIdentity = Readonly<ReturnType<typeof nodeIdentitySchema.parse>>;

/** What of the answer to an enrolment is kept in `identity.json`, with who answered; its documents have files of their own. */
export const identityOf = (
  { company, establishment, ...enrolled }: Enrolled,
  license: Pick<NodeIdentity, 'licenseUrl' | 'licenseAuthority'>,
): NodeIdentity =>
  nodeIdentitySchema.parse({
    ...enrolled,
    ...license,
    companyId: company.companyId,
    establishmentId: establishment.establishmentId,
    est: establishment.slug,
    shopName: establishment.name,
    timeZone: establishment.timeZone,
  });

/**
 * Reads the node's identity, once, at start.
 * @throws Error in one plain sentence when the node is not enrolled or the file is broken
 */
export const readNodeIdentity = (dir: string): NodeIdentity => readFile(dir, nodeFiles.identity, nodeIdentitySchema);

/**
 * Reads the node's private key.
 * @throws Error in one plain sentence when there is none or the file is broken
 */
export const readNodeKey = (dir: string): PrivateJwk => readFile(dir, nodeFiles.key, privateJwkSchema);

function readFile<T>(dir: string, name: string, schema: { parse(value: unknown): T }): T {
  const path = join(dir, name);
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new Error(
      code === 'ENOENT'
        ? `This node is not enrolled: ${path} does not exist. Run the enrolment first.`
        : `${path} cannot be read (${code ?? 'it is broken'}): restore it from the backup, or enrol this node anew.`,
      { cause },
    );
  }
}
