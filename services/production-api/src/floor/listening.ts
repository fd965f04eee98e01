import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';

type Span = { readonly from: number; to: number };

/** When the ingest stood connected to the broker, kept in telemetry.db. Times in milliseconds since 1970. */
export type Listening = AsyncDisposable & {
  /** The subscriptions stand, from now on. */
  began(at: number): void;
  /** They stand, or stood until now. */
  went(at: number): void;
  /** Until when anybody listened at or before `at`; null when nobody ever did. */
  until(at: number): number | null;
};

/**
 * Nothing can be written at a power cut, so the end of each span is written while it lasts, at most once in
 * `floorListeningMarkMs`: what is read after a kill is at most that much too early, never too late.
 */
export async function openListening(deps: {
  readonly db: Database;
  /** Do the subscriptions stand? */
  readonly connected: () => boolean;
  readonly log: Pick<Log, 'warn'>;
}): Promise<Listening> {
  const { db } = deps;
  const rows: { from_at: number; to_at: number }[] = await db('listening').orderBy('from_at');
  const spans: Span[] = rows.map(({ from_at, to_at }) => ({ from: from_at, to: to_at }));
  let current: Span | null = null;
  let writing: Promise<void> | null = null;

  const write = async ({ from, to }: Span): Promise<void> => {
    await db('listening').insert({ from_at: from, to_at: to }).onConflict('from_at').merge();
    while (spans.length > limits.floorListeningSpansMax) {
      const [oldest] = spans.splice(0, 1);
      await db('listening')
        .where('from_at', '<=', (oldest as Span).from)
        .delete();
    }
  };
  const save = (): void => {
    if (!current) return;
    writing ??= write(current)
      .catch((err) => deps.log.warn({ err }, 'that the floor is listened to could not be noted'))
      .finally(() => {
        writing = null;
      });
  };
  const went = (at: number): void => {
    if (current && deps.connected()) current.to = Math.max(current.to, at);
  };
  const timer = setInterval(() => {
    if (!deps.connected()) return;
    went(Date.now());
    save();
  }, limits.floorListeningMarkMs);
  timer.unref();
  return {
    began(at) {
      current = { from: at, to: at };
      spans.push(current);
      save();
    },
    went,
    until(at) {
      const span = spans.findLast(({ from }) => from <= at);
      return span ? Math.min(span.to, at) : null;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await writing;
    },
  };
}
