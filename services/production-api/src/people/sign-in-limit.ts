import { type Database, isPostgres } from '@sgp/service-kit/database';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';

/**
 * Slows the guessing of passwords (SECURITY 3.8, A2): after 5 failures of one account from one address, or 30 from one
 * address, each further try waits 1-2-4…15 minutes. Nobody is ever locked out, and another address is not slowed.
 */
export type SignInLimit = {
  /**
   * Counts a try as failed until {@link SignInLimit.succeed} says otherwise, so that many at once cannot slip through.
   * @throws AppError RATE_LIMITED with `details.retryAfterS`
   */
  begin(login: string, address: string, now: number): Promise<number>;
  /** The try was no failure of the caller's (the server was too busy to judge it). */
  forget(failureId: number): Promise<void>;
  succeed(login: string, address: string): Promise<void>;
};

const waitMs = (failures: number, free: number): number =>
  failures < free ? 0 : Math.min(limits.loginDelayMinMs * 2 ** (failures - free), limits.loginDelayMaxMs);

export function createSignInLimit(db: Database): SignInLimit {
  const count = async (tx: Database, where: object, since: number) => {
    const [row] = await tx('sign_in_failures')
      .where(where)
      .where('failed_at', '>', since)
      .count({ failures: '*' })
      .max({ last: 'failed_at' });
    return { failures: Number(row?.['failures'] ?? 0), last: Number(row?.['last'] ?? 0) };
  };
  return {
    begin: (login, address, now) =>
      db.transaction(async (tx) => {
        // Counting and noting are one step, as SQLite's write lock makes them: tries at once must see each other.
        if (isPostgres(tx)) await tx.raw('select pg_advisory_xact_lock(hashtext(?))', [address]);
        await tx('sign_in_failures')
          .where('failed_at', '<', now - limits.loginAddressWindowMs)
          .delete();
        const account = await count(tx, { login, address }, now - limits.loginWindowMs);
        const all = await count(tx, { address }, now - limits.loginAddressWindowMs);
        const until = Math.max(
          account.last + waitMs(account.failures, limits.loginFailuresMax),
          all.last + waitMs(all.failures, limits.loginFailuresPerAddressMax),
        );
        if (until > now)
          throw new AppError('RATE_LIMITED', 'Too many failed sign-ins; wait before the next try.', {
            details: { retryAfterS: Math.ceil((until - now) / 1000) },
          });
        const [row] = await tx('sign_in_failures').insert({ login, address, failed_at: now }, ['failure_id']);
        return Number((row as { failure_id: number }).failure_id);
      }),
    async forget(failureId) {
      await db('sign_in_failures').where({ failure_id: failureId }).delete();
    },
    async succeed(login, address) {
      await db('sign_in_failures').where({ login, address }).delete();
    },
  };
}
