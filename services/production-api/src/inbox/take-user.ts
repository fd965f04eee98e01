import type { Database } from '@sgp/service-kit/database';
import { limits } from '@sgp/shared/limits';
import type { UserPayload } from '@sgp/shared/sync-payloads';
import type { ParkReason } from '@sgp/sync-engine/ports';
import { type AuditStore, difference } from '../audit/audit-store.ts';
import type { SessionStore } from '../people/session-store.ts';
import type { StoredUser, UserStore } from '../people/user-store.ts';

const core = { userId: null, who: 'SGP', address: null };

/**
 * Takes a person of the company in: name, login, role and whether they may work are the Core's; the password is the shop's.
 * Who comes without one cannot sign in until a manager gives them their first.
 */
export function createTakeUser(deps: {
  readonly users: UserStore;
  readonly sessions: Pick<SessionStore, 'removeOthers'>;
  readonly audit: Pick<AuditStore, 'append'>;
}): (tx: Database, payload: UserPayload, nowMs: number) => Promise<ParkReason | null> {
  const { users, sessions, audit } = deps;
  return async (tx, { userId, login, name, role, disabled }, nowMs) => {
    const before = await users.find(tx, userId);
    const namesake = await users.findByLogin(tx, login);
    if (namesake !== null && namesake.userId !== userId)
      return { code: 'ALREADY_EXISTS', detail: `somebody else of the shop has the login ${login}` };
    if (before === null && (await users.list(tx)).length >= limits.usersMax)
      return { code: 'ALREADY_EXISTS', detail: `the shop has ${limits.usersMax} people, which is the most` };
    const after: StoredUser = {
      userId,
      login,
      name,
      role,
      disabledAt: disabled ? (before?.disabledAt ?? nowMs) : null,
      passwordHash: before?.passwordHash ?? '',
      createdAt: before?.createdAt ?? nowMs,
    };
    if (isWorkingOwner(before) && !isWorkingOwner(after) && (await users.countActiveOwners(tx)) <= 1)
      return { code: 'SCOPE_MISSING', detail: 'the last owner who can sign in at the shop stays owner' };
    if (before === null) await users.insert(tx, after);
    else await users.update(tx, after);
    if (after.disabledAt !== null) await sessions.removeOthers(tx, userId, null);
    const { passwordHash: _before, ...was } = before ?? { passwordHash: '' };
    const { passwordHash: _after, ...is } = after;
    await audit.append(tx, {
      at: nowMs,
      actor: core,
      entity: 'user',
      entityId: userId,
      action: before === null ? 'added' : 'edited',
      summary: { login, passwordChanged: false },
      ...difference(was, is),
    });
    return null;
  };
}

const isWorkingOwner = (user: StoredUser | null): boolean =>
  user !== null && user.role === 'owner' && user.disabledAt === null && user.passwordHash !== '';
