import { hashPassword, verifyPassword } from '@sgp/auth/password';
import { newSessionToken, sessionTokenHash } from '@sgp/auth/sessions';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { newUserBody, patchUserBody, Session, setupOwnerBody, User } from '@sgp/shared/api/people';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type * as z from 'zod';
import { type Actor, type AuditStore, difference } from '../audit/audit-store.ts';
import type { ShopStore } from '../shop/shop-store.ts';
import type { SessionCaller, SessionUser } from './caller.ts';
import type { SessionStore } from './session-store.ts';
import type { SignInLimit } from './sign-in-limit.ts';
import type { StoredUser, UserStore } from './user-store.ts';

/** A session that was just begun: the token goes into the cookie and is kept nowhere else. */
export type BegunSession = { readonly token: string; readonly session: Session };

export type PeopleService = {
  /** @throws AppError SETUP_DONE */
  setUpOwner(body: z.infer<typeof setupOwnerBody>, address: string): Promise<BegunSession>;
  /** @throws AppError CREDENTIALS_INVALID (never which part was wrong), RATE_LIMITED, HASH_BUSY */
  signIn(body: { readonly login: string; readonly password: string }, address: string): Promise<BegunSession>;
  signOut(sessionId: string): Promise<void>;
  /** @throws AppError SESSION_EXPIRED */
  authenticate(token: string | undefined, address: string): Promise<SessionCaller>;
  describe(user: SessionUser, expiresAt: number): Promise<Session>;
  list(): Promise<readonly User[]>;
  /** @throws AppError ALREADY_EXISTS, SCOPE_MISSING */
  add(body: z.infer<typeof newUserBody>, caller: SessionCaller): Promise<User>;
  /** A new password or a disabled account ends the person's other sessions at once. @throws AppError NOT_FOUND, SCOPE_MISSING */
  change(userId: string, body: z.infer<typeof patchUserBody>, caller: SessionCaller): Promise<User>;
};

export type PeopleDeps = {
  readonly db: Database;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly limit: SignInLimit;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly shop: Pick<ShopStore, 'read' | 'write'>;
  readonly est: string;
  /** Called with the sessions that may have ended, so that their open event streams end too. */
  readonly onSessionsEnded: () => void;
};

const toUser = ({ passwordHash, ...user }: StoredUser): User => ({ ...user, hasPassword: passwordHash !== '' });
const facts = ({ passwordHash: _, ...user }: StoredUser): Record<string, unknown> => user;

export function createPeopleService(deps: PeopleDeps): PeopleService {
  const { db, users, sessions, limit, audit } = deps;

  const begin = async (tx: Database, user: SessionUser): Promise<BegunSession> => {
    const { token, tokenHash } = newSessionToken();
    const now = Date.now();
    await sessions.insert(tx, { tokenHash, userId: user.userId, at: now });
    return { token, session: await describe(tx, user, now + limits.sessionIdleMs) };
  };
  const describe = async (tx: Database, user: SessionUser, expiresAt: number): Promise<Session> => {
    const { name, timeZone } = await deps.shop.read(tx);
    const { userId, login, role } = user;
    return { user: { userId, name: user.name, login, role }, shop: { name, slug: deps.est, timeZone }, expiresAt };
  };

  return {
    async setUpOwner(body, address) {
      const done = () => new AppError('SETUP_DONE', 'The set-up was done before: sign in.');
      if (!(await users.needsOwner(db))) throw done();
      const passwordHash = await hashPassword(body.password);
      return db.transaction(async (tx) => {
        const now = Date.now();
        if (!(await users.claimSetup(tx, now))) throw done();
        const { name, login } = body;
        const owner = {
          userId: newId(),
          login,
          name,
          role: 'owner' as const,
          passwordHash,
          disabledAt: null,
          createdAt: now,
        };
        await users.insert(tx, owner);
        if (body.shopName !== undefined)
          await deps.shop.write(tx, { ...(await deps.shop.read(tx)), name: body.shopName });
        const actor = { userId: owner.userId, who: owner.name, address };
        await audit.append(tx, userEntry(actor, 'set-up', null, owner));
        return begin(tx, owner);
      });
    },
    async signIn(body, address) {
      const login = body.login.trim().toLowerCase();
      const failureId = await limit.begin(login, address, Date.now());
      const user = await users.findByLogin(db, login);
      // Who came from the cloud has no password until a manager gives them one.
      const right = await verifyPassword(body.password, user?.passwordHash || undefined).catch(async (error) => {
        await limit.forget(failureId);
        throw error;
      });
      if (!user || user.disabledAt !== null || !right)
        throw new AppError('CREDENTIALS_INVALID', 'Login or password is wrong.');
      await limit.succeed(login, address);
      return db.transaction(async (tx) => {
        await sessions.removeOld(tx, Date.now());
        return begin(tx, user);
      });
    },
    async signOut(sessionId) {
      await sessions.remove(db, sessionId);
      deps.onSessionsEnded();
    },
    async authenticate(token, address) {
      const now = Date.now();
      const sessionId = sessionTokenHash(token);
      const session = sessionId === null ? null : await sessions.findLive(db, sessionId, now);
      if (!session || sessionId === null)
        throw new AppError('SESSION_EXPIRED', 'No session, or it ended: sign in again.');
      if (now - session.seenAt > limits.sessionTouchMs) await sessions.touch(db, sessionId, now);
      const { user, expiresAt } = session;
      return { user, sessionId, expiresAt, actor: { userId: user.userId, who: user.name, address } };
    },
    describe: (user, expiresAt) => describe(db, user, expiresAt),
    list: async () => (await users.list(db)).map(toUser),
    async add(body, caller) {
      refuseAboveOwn(caller, body.role);
      const { name, login, role } = body;
      const passwordHash = await hashPassword(body.password);
      return db.transaction(async (tx) => {
        await users.lock(tx);
        if ((await users.list(tx)).length >= limits.usersMax)
          throw new AppError('ALREADY_EXISTS', `There are ${limits.usersMax} people already, which is the most.`);
        const user = { userId: newId(), login, name, role, passwordHash, disabledAt: null, createdAt: Date.now() };
        if (!(await users.insert(tx, user))) throw new AppError('ALREADY_EXISTS', 'Somebody has this login already.');
        await audit.append(tx, userEntry(caller.actor, 'added', null, user));
        return toUser(user);
      });
    },
    async change(userId, body, caller) {
      const passwordHash = body.password === undefined ? undefined : await hashPassword(body.password);
      const changed = await db.transaction(async (tx) => {
        await users.lock(tx);
        const before = await users.find(tx, userId);
        if (!before) throw new AppError('NOT_FOUND', 'There is no such person.');
        refuseAboveOwn(caller, before.role);
        const after = applyPatch(before, body, passwordHash);
        refuseAboveOwn(caller, after.role);
        await users.update(tx, after);
        if ((await users.countActiveOwners(tx)) === 0)
          throw new AppError(
            'SCOPE_MISSING',
            'The last owner stays owner: name another one first. Nothing was changed.',
          );
        if (after.disabledAt !== null || passwordHash !== undefined)
          await sessions.removeOthers(tx, userId, after.disabledAt === null ? caller.sessionId : null);
        await audit.append(tx, userEntry(caller.actor, 'edited', before, after));
        return after;
      });
      deps.onSessionsEnded();
      return toUser(changed);
    },
  };
}

/** Only an owner makes, changes or disables an owner. */
function refuseAboveOwn(caller: SessionCaller, role: User['role']): void {
  if (role === 'owner' && caller.user.role !== 'owner')
    throw new AppError('SCOPE_MISSING', 'Only an owner may do this with an owner. Nothing was changed.');
}

function applyPatch(
  before: StoredUser,
  body: z.infer<typeof patchUserBody>,
  passwordHash: string | undefined,
): StoredUser {
  const disabledAt =
    body.disabled === undefined ? before.disabledAt : body.disabled ? (before.disabledAt ?? Date.now()) : null;
  return {
    ...before,
    name: body.name ?? before.name,
    role: body.role ?? before.role,
    passwordHash: passwordHash ?? before.passwordHash,
    disabledAt,
  };
}

/** The trail says that a password changed, never what it or its hash is. */
function userEntry(actor: Actor, action: string, before: StoredUser | null, after: StoredUser) {
  const passwordChanged = before !== null && before.passwordHash !== after.passwordHash;
  return {
    at: Date.now(),
    actor,
    entity: 'user' as const,
    entityId: after.userId,
    action,
    summary: { login: after.login, passwordChanged },
    ...difference(before ? facts(before) : {}, facts(after)),
  };
}
