import { sessionEnd } from '@sgp/auth/sessions';
import type { Database } from '@sgp/service-kit/database';
import type { Role } from '@sgp/shared/api/common';
import { limits } from '@sgp/shared/limits';
import type { SessionUser } from './caller.ts';

/** A session whose user may work. Times in milliseconds since 1970. */
export type LiveSession = {
  readonly user: SessionUser;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
};

/** Sessions by the SHA-256 of their token: the token itself is only in the browser. */
export type SessionStore = {
  insert(tx: Database, session: { tokenHash: string; userId: string; at: number }): Promise<void>;
  /** Null when it is unknown, too old, unused for too long, or its user was disabled. */
  findLive(db: Database, tokenHash: string, now: number): Promise<LiveSession | null>;
  /** Which of these are live. */
  liveAmong(db: Database, tokenHashes: readonly string[], now: number): Promise<ReadonlySet<string>>;
  touch(db: Database, tokenHash: string, now: number): Promise<void>;
  remove(db: Database, tokenHash: string): Promise<void>;
  /** Ends every session of a user but one. */
  removeOthers(tx: Database, userId: string, keep: string | null): Promise<void>;
  removeOld(db: Database, now: number): Promise<void>;
};

const sessionLimit = { idleMs: limits.sessionIdleMs, maxMs: limits.sessionMaxMs };

type Row = {
  token_hash: string;
  created_at: number;
  seen_at: number;
  user_id: string;
  login: string;
  name: string;
  role: Role;
};

export function createSessionStore(): SessionStore {
  const live = (db: Database, tokenHashes: readonly string[], now: number) =>
    db('sessions')
      .join('users', 'users.user_id', 'sessions.user_id')
      .whereIn('sessions.token_hash', [...tokenHashes])
      .whereNull('users.disabled_at')
      .where('sessions.seen_at', '>', now - limits.sessionIdleMs)
      .where('sessions.created_at', '>', now - limits.sessionMaxMs)
      .select<Row[]>(
        'sessions.token_hash',
        'sessions.created_at',
        'sessions.seen_at',
        'users.user_id',
        'login',
        'name',
        'role',
      );
  return {
    async insert(tx, { tokenHash, userId, at }) {
      await tx('sessions').insert({ token_hash: tokenHash, user_id: userId, created_at: at, seen_at: at });
    },
    async findLive(db, tokenHash, now) {
      const [row] = await live(db, [tokenHash], now);
      if (!row) return null;
      return {
        user: { userId: row.user_id, login: row.login, name: row.name, role: row.role },
        createdAt: row.created_at,
        seenAt: row.seen_at,
        expiresAt: sessionEnd({ createdAt: row.created_at, seenAt: row.seen_at }, sessionLimit),
      };
    },
    liveAmong: async (db, tokenHashes, now) => new Set((await live(db, tokenHashes, now)).map((row) => row.token_hash)),
    async touch(db, tokenHash, now) {
      await db('sessions').where({ token_hash: tokenHash }).update({ seen_at: now });
    },
    async remove(db, tokenHash) {
      await db('sessions').where({ token_hash: tokenHash }).delete();
    },
    async removeOthers(tx, userId, keep) {
      await tx('sessions')
        .where({ user_id: userId })
        .whereNot({ token_hash: keep ?? '' })
        .delete();
    },
    async removeOld(db, now) {
      await db('sessions')
        .where('created_at', '<', now - limits.sessionMaxMs)
        .orWhere('seen_at', '<', now - limits.sessionIdleMs)
        .delete();
    },
  };
}
