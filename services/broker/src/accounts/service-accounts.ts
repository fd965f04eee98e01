import { ConfigError } from '@sgp/service-kit/config';
import { sha256HexSchema } from '@sgp/shared/ids';
import * as z from 'zod';

const accountsSchema = z.array(z.object({ username: z.string().regex(/^_[a-z0-9-]{1,32}$/), sha256: sha256HexSchema }));

/**
 * Reads the accounts file that the launcher wrote: `[{"username": "_bridge", "sha256": "…"}]`.
 * @throws ConfigError when it is not that
 */
export function parseServiceAccounts(text: string): ReadonlyMap<string, string> {
  try {
    return new Map(accountsSchema.parse(JSON.parse(text)).map(({ username, sha256 }) => [username, sha256]));
  } catch (cause) {
    throw new ConfigError(
      `ACCOUNTS_FILE is not a list of service accounts (${cause instanceof SyntaxError ? 'not JSON' : 'wrong shape'}).`,
    );
  }
}
