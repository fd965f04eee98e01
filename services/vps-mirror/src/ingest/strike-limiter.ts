import { AppError } from '@sgp/shared/errors';
import { mirrorLimits } from '../mirror-limits.ts';

/**
 * Shuts out an address that keeps sending wrong credentials (SECURITY 3.8). Kept in memory by each replica: it saves work
 * under attack and is no proof of anything, so it need not outlive the process.
 */
export type StrikeLimiter = {
  /** @throws AppError RATE_LIMITED while the address is shut out */
  check(address: string): void;
  /** Notes one wrong credential. */
  strike(address: string): void;
};

type Watched = { readonly since: number; readonly strikes: number; readonly bannedUntil: number };

export function createStrikeLimiter(now: () => number): StrikeLimiter {
  const watched = new Map<string, Watched>();
  return {
    check(address) {
      const bannedMs = (watched.get(address)?.bannedUntil ?? 0) - now();
      if (bannedMs > 0)
        throw new AppError('RATE_LIMITED', 'Too many wrong credentials from this address; wait.', {
          details: { retryAfterS: Math.ceil(bannedMs / 1000) },
        });
    },
    strike(address) {
      const at = now();
      const before = watched.get(address);
      const current = before !== undefined && at - before.since < mirrorLimits.badCredentialsWindowMs;
      const strikes = current ? before.strikes + 1 : 1;
      const bannedUntil = strikes >= mirrorLimits.badCredentialsPerIpMax ? at + mirrorLimits.badCredentialsBanMs : 0;
      // Written anew, the address moves to the end: the first key is always the one that was quiet longest.
      watched.delete(address);
      watched.set(address, { since: current ? before.since : at, strikes, bannedUntil });
      const oldest = watched.keys().next();
      if (watched.size > mirrorLimits.watchedAddressesMax && !oldest.done) watched.delete(oldest.value);
    },
  };
}
