import type { Database } from '@sgp/service-kit/database';

/** Secrets of machines, as SHA-256 in lower-case hex: at most two at a time, so that one can be rotated without a gap. */
export type CredentialStore = {
  /** The accepted secrets of a user name; empty when it is not registered. */
  secretsOf(username: string): readonly string[];
  readonly usernames: readonly string[];
  /** Replaces the whole set at once and durably. */
  replace(credentials: readonly Credential[]): Promise<void>;
};
export type Credential = { readonly username: string; readonly secretSha256: readonly string[] };

/** Reads the set once and answers from memory: a reconnect storm never reaches the disk. */
export async function createCredentialStore(db: Database): Promise<CredentialStore> {
  let known = new Map<string, readonly string[]>();
  for (const row of await db('credentials').select('username', 'secret_sha256'))
    known.set(row.username, [...(known.get(row.username) ?? []), row.secret_sha256]);
  return {
    secretsOf: (username) => known.get(username) ?? [],
    get usernames() {
      return [...known.keys()];
    },
    async replace(credentials) {
      await db.transaction(async (tx) => {
        await tx('credentials').delete();
        for (const { username, secretSha256 } of credentials)
          for (const secret of new Set(secretSha256))
            await tx('credentials').insert({ username, secret_sha256: secret });
      });
      known = new Map(credentials.map(({ username, secretSha256 }) => [username, secretSha256]));
    },
  };
}
