import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import type { Knex } from 'knex';
import * as z from 'zod';
import { mirrorLimits } from '../mirror-limits.ts';
import { openNews } from '../news.ts';
import type { Bell } from './bell.ts';
import { type DownEntry, lockCompany, writeDown } from './down-changes.ts';

/** Writes down what establishments must hear of, and wakes the calls that wait for it, here and at other replicas. */
export type DownWriter = AsyncDisposable & {
  /** In the caller's transaction, under the company's lock; the bell rings after its commit. */
  write(tx: Knex.Transaction, companyId: string, entries: readonly DownEntry[], nowMs: number): Promise<void>;
  /** A transaction under the company's lock that writes down what `work` returns as entries. */
  inCompany<T>(
    companyId: string,
    work: (
      tx: Knex.Transaction,
      nowMs: number,
    ) => Promise<{ readonly entries: readonly DownEntry[]; readonly result: T }>,
  ): Promise<T>;
};

const newsSchema = z.object({ establishmentIds: z.array(z.string()) });

export async function openDownWriter(deps: {
  readonly db: Database;
  readonly bell: Bell;
  readonly log: Log;
  readonly now: () => number;
}): Promise<DownWriter> {
  const { db, bell, now } = deps;
  const news = await openNews(
    db,
    'sgp_downlink',
    {
      heard: (given) => bell.ring(newsSchema.safeParse(given).data?.establishmentIds ?? []),
      missed: () => bell.ringAll(),
    },
    deps.log,
  );

  const write: DownWriter['write'] = async (tx, companyId, entries, nowMs) => {
    const establishmentIds = await writeDown(tx, companyId, entries, nowMs);
    if (establishmentIds.length === 0) return;
    for (let i = 0; i < establishmentIds.length; i += mirrorLimits.establishmentsPerNotificationMax) {
      const part = establishmentIds.slice(i, i + mirrorLimits.establishmentsPerNotificationMax);
      await news.tell(tx, { establishmentIds: part });
    }
    // A transaction that is rolled back wrote nothing: nobody is woken.
    tx.executionPromise.then(
      () => bell.ring(establishmentIds),
      () => {},
    );
  };

  return {
    write,
    inCompany: (companyId, work) =>
      db.transaction(async (tx) => {
        await lockCompany(tx, companyId);
        const nowMs = now();
        const { entries, result } = await work(tx, nowMs);
        await write(tx, companyId, entries, nowMs);
        return result;
      }),
    [Symbol.asyncDispose]: () => news[Symbol.asyncDispose](),
  };
}
