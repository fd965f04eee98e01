import { randomBytes } from 'node:crypto';
import { type Database, isPostgres } from '@sgp/service-kit/database';
import { licenseLimits } from '../license-limits.ts';

/** An enrolment code; times in ms since 1970. */
export type StoredCode = {
  readonly establishmentId: string;
  readonly expiresAt: number;
  readonly failedTries: number;
  readonly usedByNode: string | null;
};

export type Enrolment = {
  readonly codeHash: string;
  readonly nodeId: string;
  readonly keyId: string;
  /** The Ed25519 public key, base64url. */
  readonly publicX: string;
  /** Builds the API key for the node's short id, which the store finds or makes. */
  readonly createApiKey: (shortId: string) => { readonly apiKey: string; readonly hash: string };
  readonly nowMs: number;
};

export type EnrolOutcome =
  | {
      readonly kind: 'enrolled';
      readonly shortId: string;
      readonly companyId: string;
      readonly establishmentId: string;
      readonly apiKey: string;
    }
  /** Another node used the code. */
  | { readonly kind: 'code-used' }
  | { readonly kind: 'code-expired' }
  /** The node id is in use with another key or at another establishment, or the key belongs to another node. */
  | { readonly kind: 'identity-taken' }
  | { readonly kind: 'banned' };

export type EnrolmentStore = {
  addCode(code: {
    readonly codeHash: string;
    readonly establishmentId: string;
    readonly createdAt: number;
    readonly expiresAt: number;
  }): Promise<void>;
  findCode(codeHash: string): Promise<StoredCode | undefined>;
  countFailedTry(codeHash: string): Promise<void>;
  /**
   * Uses the code for a node, in one transaction: of many that try at once exactly one node wins. The same node with the
   * same key may repeat the call while the code lives, because the first answer may have been lost on its way; it gets
   * another API key then.
   */
  enrol(enrolment: Enrolment): Promise<EnrolOutcome>;
};

/** Undoes the transaction: what was refused must leave the code unused. */
class Refused extends Error {
  readonly outcome: EnrolOutcome;
  constructor(outcome: EnrolOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

export function createEnrolmentStore(db: Database): EnrolmentStore {
  return {
    async addCode({ codeHash, establishmentId, createdAt, expiresAt }) {
      await db('enrolment_codes').insert({
        code_hash: codeHash,
        establishment_id: establishmentId,
        created_at: createdAt,
        expires_at: expiresAt,
      });
    },
    async findCode(codeHash) {
      const row = await db('enrolment_codes').where({ code_hash: codeHash }).first();
      return (
        row && {
          establishmentId: row.establishment_id,
          expiresAt: row.expires_at,
          failedTries: row.failed_tries,
          usedByNode: row.used_by_node,
        }
      );
    },
    async countFailedTry(codeHash) {
      await db('enrolment_codes').where({ code_hash: codeHash }).increment('failed_tries', 1);
    },
    async enrol(enrolment) {
      try {
        return await db.transaction((tx) => enrolWithin(tx as unknown as Database, enrolment));
      } catch (error) {
        if (error instanceof Refused) return error.outcome;
        throw error;
      }
    },
  };
}

async function enrolWithin(tx: Database, enrolment: Enrolment): Promise<EnrolOutcome> {
  const { codeHash, nodeId, nowMs } = enrolment;
  await tx('enrolment_codes')
    .where({ code_hash: codeHash, used_at: null })
    .where('expires_at', '>', nowMs)
    .update({ used_at: nowMs, used_by_node: nodeId });
  const code = await tx('enrolment_codes').where({ code_hash: codeHash }).first();
  if (!code || code.expires_at <= nowMs) throw new Refused({ kind: 'code-expired' });
  if (code.used_by_node !== nodeId) throw new Refused({ kind: 'code-used' });
  const node = await claimNode(tx, enrolment, code.establishment_id);
  const { apiKey, hash } = enrolment.createApiKey(node.shortId);
  await addApiKey(tx, nodeId, hash, nowMs);
  return { kind: 'enrolled', ...node, establishmentId: code.establishment_id, apiKey };
}

/** Finds or makes the node, and makes sure that it is this one: same establishment, same key. */
async function claimNode(
  tx: Database,
  { nodeId, keyId, publicX, nowMs }: Enrolment,
  establishmentId: string,
): Promise<{ readonly shortId: string; readonly companyId: string }> {
  const establishment = await tx('establishments').where({ establishment_id: establishmentId }).first();
  await tx('nodes')
    .insert({
      node_id: nodeId,
      short_id: newShortId(),
      company_id: establishment.company_id,
      establishment_id: establishmentId,
      status: 'active',
      created_at: nowMs,
    })
    .onConflict('node_id')
    .ignore();
  const read = tx('nodes').where({ node_id: nodeId });
  // Two repeats of one node must not make the same slot of API keys; SQLite's write lock is held already.
  const node = await (isPostgres(tx) ? read.forUpdate() : read).first();
  if (node.establishment_id !== establishmentId) throw new Refused({ kind: 'identity-taken' });
  if (node.status !== 'active') throw new Refused({ kind: 'banned' });
  const keysBefore = await tx('node_keys').where({ node_id: nodeId });
  if (keysBefore.length === 0)
    await tx('node_keys')
      .insert({ key_id: keyId, node_id: nodeId, public_x: publicX, created_at: nowMs })
      .onConflict('public_x')
      .ignore();
  const key = await tx('node_keys').where({ node_id: nodeId, public_x: publicX }).first();
  if (!key) throw new Refused({ kind: 'identity-taken' });
  return { shortId: node.short_id, companyId: node.company_id };
}

async function addApiKey(tx: Database, nodeId: string, hash: string, nowMs: number): Promise<void> {
  const newest = await tx('api_keys').where({ node_id: nodeId }).max({ seq: 'slot_seq' }).first();
  const slotSeq = (newest?.seq ?? 0) + 1;
  await tx('api_keys').insert({
    hash,
    node_id: nodeId,
    slot_seq: slotSeq,
    created_at: nowMs,
    expires_at: nowMs + licenseLimits.apiKeyLifeMs,
  });
  await tx('api_keys')
    .where({ node_id: nodeId })
    .where('slot_seq', '<=', slotSeq - licenseLimits.apiKeysPerNodeMax)
    .delete();
}

const shortIdAlphabet = 'abcdefghjkmnpqrstvwxyz0123456789';

/** 12 characters, 60 random bits: names the node, and is no secret. */
const newShortId = (): string => Array.from(randomBytes(12), (byte) => shortIdAlphabet[byte & 31]).join('');
