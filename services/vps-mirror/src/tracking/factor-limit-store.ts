import type { Database } from '@sgp/service-kit/database';
import { isPostgres } from '@sgp/service-kit/database';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { mirrorLimits } from '../mirror-limits.ts';

/**
 * Counts wrong second factors by link and by address. Each try is counted before it is judged and given back when it was
 * right, so that many tries at once get no more guesses than one after another.
 */
export type FactorLimitStore = {
  /** @throws AppError RATE_LIMITED with `retryAfterS` when the link or the address has no try left */
  take(attempt: FactorAttempt): Promise<void>;
  /** The try was right: the link starts anew, the address gets its try back. */
  giveBack(attempt: FactorAttempt): Promise<void>;
  purge(nowMs: number): Promise<void>;
};
export type FactorAttempt = { readonly tokenHash: string; readonly address: string; readonly nowMs: number };

type Counted = { readonly failures: number; readonly window_start: number };

export function createFactorLimitStore(db: Database): FactorLimitStore {
  const count = async (subject: string, nowMs: number): Promise<Counted> => {
    const answer = await db.raw(
      `insert into factor_failures (subject, window_start, failures) values (?, ?, 1)
       on conflict (subject) do update set
         failures = case when factor_failures.window_start <= ? then 1 else factor_failures.failures + 1 end,
         window_start = case when factor_failures.window_start <= ? then excluded.window_start
                             else factor_failures.window_start end
       returning failures, window_start`,
      [subject, nowMs, nowMs - limits.factorWindowMs, nowMs - limits.factorWindowMs],
    );
    return (isPostgres(db) ? answer.rows : answer)[0] as Counted;
  };
  const requireTry = ({ failures, window_start }: Counted, max: number, nowMs: number): void => {
    if (failures <= max) return;
    const retryAfterS = Math.max(1, Math.ceil((window_start + limits.factorWindowMs - nowMs) / 1000));
    throw new AppError('RATE_LIMITED', 'Too many wrong tries; wait.', { details: { retryAfterS } });
  };
  return {
    async take({ tokenHash, address, nowMs }) {
      requireTry(await count(ofAddress(address), nowMs), mirrorLimits.factorFailuresPerIpMax, nowMs);
      requireTry(await count(ofLink(tokenHash), nowMs), limits.factorFailuresMax, nowMs);
    },
    async giveBack({ tokenHash, address }) {
      await db('factor_failures')
        .where({ subject: ofLink(tokenHash) })
        .delete();
      await db('factor_failures')
        .where({ subject: ofAddress(address) })
        .where('failures', '>', 0)
        .decrement('failures', 1);
    },
    async purge(nowMs) {
      await db('factor_failures')
        .where('window_start', '<=', nowMs - limits.factorWindowMs)
        .delete();
    },
  };
}

const ofLink = (tokenHash: string): string => `link ${tokenHash}`;
const ofAddress = (address: string): string => `address ${address}`;
