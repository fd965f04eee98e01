import type { Database } from '@sgp/service-kit/database';

export type NonceStore = {
  /** Takes a nonce. False: it was used before, so the call is a replay. Safe across processes and restarts. */
  use(keyId: string, nonce: string, keepUntilMs: number): Promise<boolean>;
  /** Forgets nonces whose signatures are too old to be accepted anyway. */
  purge(nowMs: number): Promise<void>;
};

export function createNonceStore(db: Database): NonceStore {
  return {
    async use(keyId, nonce, keepUntilMs) {
      const added = await db('nonces')
        .insert({ key_id: keyId, nonce, keep_until: keepUntilMs })
        .onConflict(['key_id', 'nonce'])
        .ignore()
        .returning('nonce');
      return added.length === 1;
    },
    async purge(nowMs) {
      await db('nonces').where('keep_until', '<', nowMs).delete();
    },
  };
}
