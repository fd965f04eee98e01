import type { Database } from '@sgp/service-kit/database';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';

/** Nonces that were used, on disk and shared by all replicas (SECURITY P4, P5). */
export type NonceStore = {
  /**
   * Takes note of a nonce, durably. Call it only after the signature was found right (SECURITY P6).
   * @throws AppError SIG_REPLAY when this key used it before; of several at once exactly one passes
   */
  use(keyId: string, nonce: string, createdS: number): Promise<void>;
  /** Deletes the nonces whose signatures are too old to pass anyway. */
  purge(nowMs: number): Promise<void>;
};

export function createNonceStore(db: Database): NonceStore {
  return {
    async use(keyId, nonce, createdS) {
      const row = { kid: keyId, nonce, expires_at: (createdS + limits.nonceKeptS) * 1000 };
      const inserted = await db('nonces').insert(row).onConflict(['kid', 'nonce']).ignore().returning('kid');
      if (inserted.length === 0) throw new AppError('SIG_REPLAY', 'This signature was used before; sign again.');
    },
    async purge(nowMs) {
      await db('nonces').where('expires_at', '<', nowMs).delete();
    },
  };
}
