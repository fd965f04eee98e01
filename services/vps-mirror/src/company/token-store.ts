import { randomBytes } from 'node:crypto';
import { safeEqual, sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newSecret } from '@sgp/service-kit/ids';
import type { companyTokenSchema, newTokenBody, TokenScope } from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import type * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';

/** Who calls in a company's name. */
export type CompanyCaller = { readonly companyId: string; readonly tokenId: string; readonly name: string };
export type CompanyToken = z.infer<typeof companyTokenSchema>;

export type TokenStore = {
  /** @throws AppError ALREADY_EXISTS when the company has too many */
  create(
    companyId: string,
    wanted: z.infer<typeof newTokenBody>,
    nowMs: number,
  ): Promise<CompanyToken & { readonly token: string }>;
  list(companyId: string): Promise<readonly CompanyToken[]>;
  /** @returns false when the company has no such token */
  revoke(companyId: string, tokenId: string, nowMs: number): Promise<boolean>;
  /** @returns undefined for what is no valid token */
  find(token: string, nowMs: number): Promise<(CompanyCaller & { readonly scope: TokenScope }) | undefined>;
};

/** `sgp_co_{id}_{43 characters}`: 256 random bits, and an id that may be read aloud and stand in logs. */
const pattern = /^sgp_co_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;
const dayMs = 24 * 60 * 60_000;

type Row = {
  readonly token_id: string;
  readonly company_id: string;
  readonly name: string;
  readonly scope: TokenScope;
  readonly hash: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly revoked_at: number | null;
  readonly last_used_at: number | null;
};

const toToken = (row: Row): CompanyToken => ({
  tokenId: row.token_id,
  name: row.name,
  scope: row.scope,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  lastUsedAt: row.last_used_at,
});

export function createTokenStore(db: Database): TokenStore {
  return {
    async create(companyId, { name, scope, lifeDays }, nowMs) {
      const of = { company_id: companyId };
      const valid = await db('company_tokens').where(of).whereNull('revoked_at').where('expires_at', '>', nowMs);
      if (valid.length >= mirrorLimits.companyTokensMax)
        throw new AppError(
          'ALREADY_EXISTS',
          `The company has ${mirrorLimits.companyTokensMax} valid tokens; revoke one.`,
        );
      const tokenId = randomBytes(6).toString('hex');
      const token = `sgp_co_${tokenId}_${newSecret()}`;
      const row: Row = {
        ...of,
        token_id: tokenId,
        name,
        scope,
        hash: sha256Hex(token),
        created_at: nowMs,
        expires_at: nowMs + lifeDays * dayMs,
        revoked_at: null,
        last_used_at: null,
      };
      await db('company_tokens').insert(row);
      return { ...toToken(row), token };
    },
    async list(companyId) {
      const rows: readonly Row[] = await db('company_tokens').where({ company_id: companyId }).orderBy('created_at');
      return rows.map(toToken);
    },
    async revoke(companyId, tokenId, nowMs) {
      const of = { company_id: companyId, token_id: tokenId };
      await db('company_tokens').where(of).whereNull('revoked_at').update({ revoked_at: nowMs });
      return (await db('company_tokens').where(of).first('token_id')) !== undefined;
    },
    async find(token, nowMs) {
      const tokenId = pattern.exec(token)?.[1];
      if (tokenId === undefined) return undefined;
      const row: Row | undefined = await db('company_tokens').where({ token_id: tokenId }).first();
      if (!row || !safeEqual(row.hash, sha256Hex(token)) || row.revoked_at !== null || row.expires_at <= nowMs)
        return undefined;
      if (nowMs - (row.last_used_at ?? 0) > mirrorLimits.companyTokenTouchMs)
        await db('company_tokens').where({ token_id: tokenId }).update({ last_used_at: nowMs });
      return { companyId: row.company_id, tokenId, name: row.name, scope: row.scope };
    },
  };
}
