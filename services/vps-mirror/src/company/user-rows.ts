import type { Database } from '@sgp/service-kit/database';
import type { Hlc } from '@sgp/shared/clock';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { UserPayload } from '@sgp/shared/sync-payloads';
import { type DownEntry, nextStep } from '../downlink/down-changes.ts';

export type StoredUser = { readonly user: UserPayload; readonly version: number; readonly updatedAt: Hlc };

export const userDown = ({ user, version, updatedAt }: StoredUser): DownEntry => ({
  stream: 'users',
  entityId: user.userId,
  version,
  updatedAt,
  payload: user,
  to: 'all',
});

type Row = { readonly doc: string; readonly version: number; readonly updated_at: Hlc };
const toStored = ({ doc, version, updated_at: updatedAt }: Row): StoredUser => ({
  user: JSON.parse(doc) as UserPayload,
  version,
  updatedAt,
});

export async function usersOf(tx: Database, companyId: string): Promise<readonly StoredUser[]> {
  const rows: readonly Row[] = await tx('company_users').where({ company_id: companyId }).orderBy('login');
  return rows.map(toStored);
}

export async function findUser(tx: Database, companyId: string, userId: string): Promise<StoredUser | null> {
  const row: Row | undefined = await tx('company_users').where({ company_id: companyId, user_id: userId }).first();
  return row ? toStored(row) : null;
}

/**
 * Writes a person as a whole, under the company's lock.
 * @throws AppError ALREADY_EXISTS when another person of the company has the login, or there are too many
 */
export async function writeUser(
  tx: Database,
  companyId: string,
  user: UserPayload,
  at: { readonly nowMs: number; readonly stamp: Hlc },
): Promise<{ readonly entries: readonly DownEntry[]; readonly result: StoredUser }> {
  const all = await usersOf(tx, companyId);
  const before = all.find((each) => each.user.userId === user.userId);
  if (all.some((each) => each.user.login === user.login && each !== before))
    throw new AppError('ALREADY_EXISTS', 'Somebody of the company has this login; nothing was changed.');
  if (!before && all.length >= limits.usersMax)
    throw new AppError('ALREADY_EXISTS', `The company has ${limits.usersMax} people, which is the most.`);
  const stored: StoredUser = { user, ...nextStep(before, at) };
  await tx('company_users')
    .insert({
      company_id: companyId,
      user_id: user.userId,
      login: user.login,
      version: stored.version,
      updated_at: stored.updatedAt,
      doc: JSON.stringify(user),
    })
    .onConflict(['company_id', 'user_id'])
    .merge();
  return { entries: [userDown(stored)], result: stored };
}
