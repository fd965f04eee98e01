import type { Database } from '@sgp/service-kit/database';
import type { Role } from '@sgp/shared/api/common';
import type { User } from '@sgp/shared/api/people';
import { limits } from '@sgp/shared/limits';

/** `passwordHash` is empty for somebody who came from the cloud and was given no password here yet. */
export type StoredUser = Omit<User, 'hasPassword'> & { readonly passwordHash: string };

export type UserStore = {
  /** @returns false when another browser finished the set-up first */
  claimSetup(tx: Database, at: number): Promise<boolean>;
  needsOwner(db: Database): Promise<boolean>;
  find(db: Database, userId: string): Promise<StoredUser | null>;
  findByLogin(db: Database, login: string): Promise<StoredUser | null>;
  /** By name, at most `limits.usersMax`. */
  list(db: Database): Promise<readonly StoredUser[]>;
  /** @returns false when somebody has the login */
  insert(tx: Database, user: StoredUser): Promise<boolean>;
  update(tx: Database, user: StoredUser): Promise<void>;
  /** Changes of people wait for each other until this transaction ends, so that counting owners is safe. */
  lock(tx: Database): Promise<void>;
  /** Owners who can sign in. */
  countActiveOwners(db: Database): Promise<number>;
};

type Row = {
  user_id: string;
  login: string;
  name: string;
  role: Role;
  password_hash: string;
  disabled_at: number | null;
  created_at: number;
};

const fromRow = (row: Row): StoredUser => ({
  userId: row.user_id,
  login: row.login,
  name: row.name,
  role: row.role,
  passwordHash: row.password_hash,
  disabledAt: row.disabled_at,
  createdAt: row.created_at,
});

const toRow = (user: StoredUser): Row => ({
  user_id: user.userId,
  login: user.login,
  name: user.name,
  role: user.role,
  password_hash: user.passwordHash,
  disabled_at: user.disabledAt,
  created_at: user.createdAt,
});

export function createUserStore(): UserStore {
  const one = async (db: Database, where: Partial<Row>): Promise<StoredUser | null> => {
    const row = await db<Row>('users').where(where).first();
    return row ? fromRow(row) : null;
  };
  return {
    claimSetup: async (tx, at) =>
      (await tx('setup').where({ id: 1 }).whereNull('done_at').update({ done_at: at })) === 1,
    needsOwner: async (db) => (await db('setup').where({ id: 1 }).whereNull('done_at').first()) !== undefined,
    find: (db, userId) => one(db, { user_id: userId }),
    findByLogin: (db, login) => one(db, { login }),
    async list(db) {
      const rows = await db<Row>('users').orderBy('name').orderBy('user_id').limit(limits.usersMax);
      return rows.map(fromRow);
    },
    async insert(tx, user) {
      const rows = await tx('users').insert(toRow(user)).onConflict('login').ignore().returning('user_id');
      return rows.length === 1;
    },
    async update(tx, user) {
      await tx('users').where({ user_id: user.userId }).update(toRow(user));
    },
    async lock(tx) {
      await tx('setup').where({ id: 1 }).forUpdate().first();
    },
    async countActiveOwners(db) {
      const [row] = await db('users')
        .where({ role: 'owner' })
        .whereNull('disabled_at')
        .whereNot({ password_hash: '' })
        .count({ owners: '*' });
      return Number(row?.['owners'] ?? 0);
    },
  };
}
