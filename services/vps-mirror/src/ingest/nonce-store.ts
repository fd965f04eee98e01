import { type Database, isPostgres } from '@sgp/service-kit/database';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';

/** Nonces that were used, on disk and shared by all replicas (SECURITY P4, P5). */
export type NonceStore = {
  /**
   * Takes note of a nonce: every replica sees it at once, and it reaches the disk within a second. A power cut that takes it
   * before lets a replay pass that then writes nothing: a push is known by its idempotency key, other signed calls only read.
   * Call it only after the signature was found right (SECURITY P6).
   * @throws AppError SIG_REPLAY when this key used it before; of several at once exactly one passes
   */
  use(keyId: string, nonce: string, createdS: number): Promise<void>;
  /** Deletes the nonces whose signatures are too old to pass anyway. */
  purge(nowMs: number): Promise<void>;
};

/** The disk is waited for once in a push, by the commit of its rows. */
const insertUnwaited = `insert into nonces (kid, nonce, expires_at) select ?, ?, ?::bigint
  where set_config('synchronous_commit', 'off', true) = 'off' on conflict (kid, nonce) do nothing returning kid`;

export function createNonceStore(db: Database): NonceStore {
  return {
    async use(keyId, nonce, createdS) {
      const expiresAt = (createdS + limits.nonceKeptS) * 1000;
      const inserted = isPostgres(db)
        ? (await db.raw(insertUnwaited, [keyId, nonce, expiresAt])).rows
        : await db('nonces')
            .insert({ kid: keyId, nonce, expires_at: expiresAt })
            .onConflict(['kid', 'nonce'])
            .ignore()
            .returning('kid');
      if (inserted.length === 0) throw new AppError('SIG_REPLAY', 'This signature was used before; sign again.');
    },
    async purge(nowMs) {
      await db('nonces').where('expires_at', '<', nowMs).delete();
    },
  };
}
