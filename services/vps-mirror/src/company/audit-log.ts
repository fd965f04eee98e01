import { randomBytes } from 'node:crypto';
import type { Database } from '@sgp/service-kit/database';
import type { CompanyAct, companyAuditQuery } from '@sgp/shared/api/company';
import { uuidV7 } from '@sgp/shared/uuid';
import type * as z from 'zod';
import type { Purger } from '../housekeeping.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import type { CompanyCaller } from './token-store.ts';

/** What a company's program changed: written in the transaction of the change, kept for `companyAuditKeptDays`. */
export type Act = {
  readonly at: number;
  readonly entity: CompanyAct['entity'];
  readonly entityId: string;
  readonly action: string;
  /** Null: there was nothing, or there is nothing any more. */
  readonly before: object | null;
  readonly after: object | null;
};

export async function noteAct(tx: Database, caller: CompanyCaller, act: Act): Promise<void> {
  const { at, entity, entityId, action, before, after } = act;
  await tx('company_audit').insert({
    company_id: caller.companyId,
    act_id: uuidV7(at, randomBytes(10)),
    at,
    token_id: caller.tokenId,
    who: caller.name,
    ...{ entity, entity_id: entityId, action },
    before: before === null ? null : JSON.stringify(before),
    after: after === null ? null : JSON.stringify(after),
  });
}

/** Newest first. `nextBefore` continues the list; null at its end. */
export async function listActs(
  db: Database,
  companyId: string,
  { before, limit }: z.infer<typeof companyAuditQuery>,
): Promise<{ readonly acts: CompanyAct[]; readonly nextBefore: string | null }> {
  const query = db('company_audit').where({ company_id: companyId });
  // Their ids sort by time.
  if (before !== undefined) void query.where('act_id', '<', before);
  const found = await query.orderBy('act_id', 'desc').limit(limit + 1);
  const acts = found.slice(0, limit).map((row) => ({
    actId: row.act_id,
    at: row.at,
    tokenId: row.token_id,
    who: row.who,
    entity: row.entity,
    entityId: row.entity_id,
    action: row.action,
    before: row.before === null ? null : JSON.parse(row.before),
    after: row.after === null ? null : JSON.parse(row.after),
  }));
  return { acts, nextBefore: found.length > limit ? (acts.at(-1)?.actId ?? null) : null };
}

export const createActRetention = (db: Database): Purger => ({
  async purge(nowMs) {
    await db('company_audit')
      .where('at', '<', nowMs - mirrorLimits.companyAuditKeptDays * 24 * 60 * 60_000)
      .delete();
  },
});
