import { randomBytes } from 'node:crypto';
import { sha256Hex } from './digest.ts';

/** A signed-in browser. Times in ms since 1970. */
export type SessionRecord = {
  /** SHA-256 (hex) of the token: who reads the database cannot sign in with it. */
  readonly tokenHash: string;
  readonly userId: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
};

/** What sessions need from a database. */
export type SessionStore = {
  insert(session: SessionRecord): Promise<void>;
  find(tokenHash: string): Promise<SessionRecord | undefined>;
  touch(tokenHash: string, lastSeenAt: number): Promise<void>;
  remove(tokenHash: string): Promise<void>;
  removeOfUser(userId: string, exceptTokenHash?: string): Promise<void>;
};

export type Sessions = {
  /** Begins a session with a new token, always, so that no token from before the sign-in lives on (SECURITY A12). */
  start(userId: string, nowMs: number): Promise<{ readonly token: string; readonly expiresAt: number }>;
  /** Whose session it is, or `undefined` when there is none or it ended; a session in use stays open. */
  check(token: string, nowMs: number): Promise<{ readonly userId: string; readonly expiresAt: number } | undefined>;
  end(token: string): Promise<void>;
  /** After a change of password, or when somebody leaves. */
  endAllOf(userId: string, exceptToken?: string): Promise<void>;
};

/** 256 bits in base64url; anything else is not even looked up. */
const tokenPattern = /^[A-Za-z0-9_-]{43}$/;
/** A session in use is written at most this often: not at each request. */
const touchIntervalMs = 60_000;

/**
 * Sessions by opaque tokens that are stored hashed.
 * @param options.idleMs ends a session that nobody used for this long
 * @param options.maxMs ends every session this long after it began
 */
export function createSessions(options: {
  readonly store: SessionStore;
  readonly idleMs: number;
  readonly maxMs: number;
}): Sessions {
  const { store, idleMs, maxMs } = options;
  const expiryOf = (session: SessionRecord): number => Math.min(session.createdAt + maxMs, session.lastSeenAt + idleMs);
  return {
    async start(userId, nowMs) {
      const token = randomBytes(32).toString('base64url');
      const session = { tokenHash: sha256Hex(token), userId, createdAt: nowMs, lastSeenAt: nowMs };
      await store.insert(session);
      return { token, expiresAt: expiryOf(session) };
    },
    async check(token, nowMs) {
      if (!tokenPattern.test(token)) return undefined;
      const session = await store.find(sha256Hex(token));
      if (!session) return undefined;
      if (nowMs >= expiryOf(session)) {
        await store.remove(session.tokenHash);
        return undefined;
      }
      if (nowMs - session.lastSeenAt < touchIntervalMs) return { userId: session.userId, expiresAt: expiryOf(session) };
      await store.touch(session.tokenHash, nowMs);
      return { userId: session.userId, expiresAt: expiryOf({ ...session, lastSeenAt: nowMs }) };
    },
    end: (token) => store.remove(sha256Hex(token)),
    endAllOf: (userId, exceptToken) =>
      store.removeOfUser(userId, exceptToken === undefined ? undefined : sha256Hex(exceptToken)),
  };
}
