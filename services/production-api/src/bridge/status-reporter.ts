import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';
import type { SyncStatus } from '@sgp/shared/sync';
import type { LinkFacts } from '@sgp/sync-engine/ports';
import { isOffline, type StatusFacts, syncState } from '@sgp/sync-engine/status';
import type { SyncStore, Waiting } from '../sync/sync-store.ts';

/** A status is repeated this often, so that a reader can tell a quiet bridge from a dead one. */
const repeatEveryMs = 10_000;
/** Longer than this between two looks, and nobody looked: the process or the computer was off. Three signs of life. */
const silenceMs = 3 * limits.syncHeartbeatMs;
/** Counting the queue takes time; a burst of changes is counted once. */
const gatherMs = 250;

export type StatusReporterDeps = {
  readonly store: Pick<SyncStore, 'waiting' | 'saveTrouble' | 'openIncident' | 'closeIncident'>;
  /** Hears each status; resolves when it was told. */
  readonly publish: (status: SyncStatus) => Promise<void>;
  /** An outage ended just now: all that it held back is acknowledged. */
  readonly onIncidentEnded: () => void;
  readonly now: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly uptime: () => number;
  readonly log: Pick<Log, 'info' | 'warn'>;
};

export type StatusReporter = AsyncDisposable & {
  /** What the engine knows of the link now. */
  report(facts: LinkFacts): void;
  /** Something else changed that the status counts. */
  refresh(): void;
  /** Tells the status at once, changed or not. */
  repeat(): void;
};

/** Makes the status that screens show, keeps the story of outages, and publishes both when they change. */
export function createStatusReporter(initial: LinkFacts, deps: StatusReporterDeps): StatusReporter {
  let facts = initial;
  /** By `uptime`; null: no acknowledgement came in this process yet. */
  let ackHeardAt: number | null = null;
  let storedTrouble = troubleText(initial);
  /** Last moment of which this bridge, or its life before, can speak: each acknowledgement is stored. */
  let watchedAt = initial.lastAckAt;
  /** Since when nobody looked, until the Core acknowledges again. */
  let silentSince: number | null = null;
  let published = '';
  let publishedAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;

  const tell = async (): Promise<void> => {
    const seen = facts;
    const now = deps.now();
    const sinceAckMs = ackHeardAt === null ? null : deps.uptime() - ackHeardAt;
    const waiting = await deps.store.waiting();
    // A full disk must not keep the status from saying that the disk is full.
    await keepStory(seen, waiting, now).catch((err) => deps.log.warn({ err }, 'the outage could not be written down'));
    const status = statusOf(seen, waiting, { now, sinceAckMs });
    const text = JSON.stringify({ ...status, at: 0 });
    if (text === published && now - publishedAt < repeatEveryMs && now >= publishedAt) return;
    await deps.publish(status);
    published = text;
    publishedAt = now;
  };

  const keepStory = async (seen: LinkFacts, waiting: Waiting, now: number): Promise<void> => {
    const trouble = troubleText(seen);
    if (trouble !== storedTrouble) {
      await deps.store.saveTrouble(seen);
      storedTrouble = trouble;
    }
    await keepIncident(seen, waiting, now);
  };

  /** Time in which the sending service was off is no time in which the cloud was in reach. */
  const noteSilence = (now: number): void => {
    if (watchedAt !== null && now - watchedAt > silenceMs) silentSince ??= watchedAt;
    watchedAt = now;
  };

  const keepIncident = async (link: LinkFacts, { pendingChanges }: Waiting, now: number): Promise<void> => {
    const { lastAckAt, blocked, offlineSince } = link;
    noteSilence(now);
    if (silentSince !== null)
      await deps.store.openIncident({ cause: 'STOPPED', startedAt: silentSince, pendingChanges });
    if (silentSince !== null && lastAckAt !== null && lastAckAt > silentSince) silentSince = null;
    if (blocked !== null || isOffline(link))
      await deps.store.openIncident({
        cause: blocked?.code ?? 'NETWORK',
        startedAt: offlineSince ?? now,
        pendingChanges,
      });
    // The outage is over when what it held back has arrived.
    else if (silentSince === null && offlineSince === null && pendingChanges === 0)
      if (await deps.store.closeIncident(lastAckAt ?? now)) deps.onIncidentEnded();
  };

  const run = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (running) {
      again = true;
      return;
    }
    running = tell()
      .catch((err) => deps.log.warn({ err }, 'the sync status could not be told; trying again'))
      .finally(() => {
        running = undefined;
        if (again && !closed) refresh();
        again = false;
      });
  };
  const refresh = (): void => {
    if (!closed) timer ??= setTimeout(run, gatherMs);
  };
  const repeating = setInterval(run, repeatEveryMs);

  return {
    report(next) {
      const turned = troubleText(next) !== troubleText(facts) || isOffline(next) !== isOffline(facts);
      if (turned)
        deps.log.info({ offlineSince: next.offlineSince, blocked: next.blocked }, 'the way to the cloud changed');
      if (next.lastAckAt !== facts.lastAckAt) ackHeardAt = deps.uptime();
      facts = next;
      if (turned && !closed) run();
      else refresh();
    },
    refresh,
    repeat() {
      published = '';
      run();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearInterval(repeating);
      clearTimeout(timer);
      await running;
    },
  };
}

const troubleText = ({ offlineSince, blocked }: LinkFacts): string => JSON.stringify([offlineSince, blocked]);

const statusOf = (link: LinkFacts, waiting: Waiting, ages: Pick<StatusFacts, 'now' | 'sinceAckMs'>): SyncStatus => ({
  ...waiting,
  // Either waits for a person.
  state: syncState({ ...link, ...waiting, parkedChanges: waiting.parkedChanges + waiting.parkedDown, ...ages }),
  at: ages.now,
  lastAckAt: link.lastAckAt,
  offlineSince: link.offlineSince,
  clockSkewMs: link.clockSkewMs,
  ackedSeq: link.ackedSeq,
  error: link.blocked && { code: link.blocked.code, detail: link.blocked.detail },
});
