import { type Database, isPostgres } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Log } from '@sgp/service-kit/log';
import { mirrorLimits } from './mirror-limits.ts';

/** Tells the other replicas on the same PostgreSQL what was committed. With SQLite there is only this process. */
export type News = AsyncDisposable & {
  /** Inside a transaction: the news goes out with its commit. Its JSON has to stay below 7,900 bytes. */
  tell(tx: Database, news: object): Promise<void>;
};

export type NewsListener = {
  /** What another replica committed, as JSON.parse gave it. */
  readonly heard: (news: unknown) => void;
  /** News may have been missed: everything that depends on them has to be read again. */
  readonly missed: () => void;
};

/** A raw connection of the driver below knex; only what LISTEN needs. */
type Listening = {
  query(text: string): Promise<unknown>;
  on(event: 'notification', listener: (message: { readonly payload?: string }) => void): unknown;
  on(event: 'error' | 'end', listener: (error?: unknown) => void): unknown;
  end(): Promise<void>;
};

/**
 * Opens the news of this replica; with PostgreSQL it keeps one connection of its own for each channel.
 * @param channel a plain SQL name
 */
export async function openNews(db: Database, channel: string, listener: NewsListener, log: Log): Promise<News> {
  if (!isPostgres(db)) return { tell: async () => {}, [Symbol.asyncDispose]: async () => {} };
  const replicaId = newId();
  let closed = false;
  let connection: Listening | undefined;
  let retry: NodeJS.Timeout | undefined;

  const hear = (payload: string): void => {
    const message = parseJson(payload) as { readonly from?: unknown; readonly news?: unknown } | undefined;
    if (message?.from !== undefined && message.from !== replicaId) listener.heard(message.news);
  };
  const connect = async (): Promise<void> => {
    const fresh = (await db.client.acquireRawConnection()) as Listening;
    let lost = false;
    const reconnect = (err?: unknown): void => {
      if (lost || closed) return;
      lost = true;
      connection = undefined;
      log.warn({ err }, 'the connection for news is lost; it is opened again');
      again();
    };
    fresh.on('error', reconnect);
    fresh.on('end', reconnect);
    fresh.on('notification', ({ payload }) => hear(payload ?? ''));
    await fresh.query(`listen ${channel}`);
    connection = fresh;
    listener.missed();
  };
  const again = (): void => {
    retry = setTimeout(() => {
      connect().catch((err: unknown) => {
        log.warn({ err }, 'the connection for news cannot be opened yet');
        if (!closed) again();
      });
    }, mirrorLimits.newsReconnectMs);
  };

  await connect();
  return {
    async tell(tx, news) {
      await tx.raw('select pg_notify(?, ?)', [channel, JSON.stringify({ from: replicaId, news })]);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(retry);
      await connection?.end();
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
