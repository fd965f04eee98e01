import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import type { LicenceClaims } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { Gauge } from 'prom-client';
import type { LicenceFiles } from './licence-files.ts';
import type { CheckIn } from './license-checkin.ts';

const hourMs = 60 * 60 * 1000;
/** SECURITY 3.3: a licence older than a day is renewed. The minute more: two clocks differ a little, `iat` is a whole second. */
const renewAfterMs = 24 * hourMs + 60 * 1000;
/** Between two tries, on average: a licence lives 30 days, so that an hour more or less is nothing. */
const retryMs = hourMs;
/** A computer that slept or whose clock was set is looked at again this soon. */
const lookAgainMs = hourMs;
/** A key that no list has must not make this node ask without a pause. */
const fetchKeysetEveryMs = 60_000;

export type LastTry = {
  readonly atMs: number;
  /** In [0, 1), drawn for this try. */
  readonly random: number;
};

/**
 * When the licence is to be renewed: a day after it was issued, but not within 45 to 75 minutes of the last try, so that
 * the nodes of a company do not come back in step.
 * @param issuedAtMs `null`: there is no genuine licence, and one is needed now
 * @param lastTry the last one that this process made; how it ended shows in `issuedAtMs`
 * @returns ms since 1970; at or before `nowMs`: now
 */
export function nextTryAtMs(issuedAtMs: number | null, lastTry: LastTry | null, nowMs: number): number {
  const dueAtMs = issuedAtMs === null ? nowMs : issuedAtMs + renewAfterMs;
  // A try in the future was made before the clock was set back; its wait has no meaning any more.
  if (lastTry === null || lastTry.atMs > nowMs) return dueAtMs;
  return Math.max(dueAtMs, lastTry.atMs + retryMs * (0.75 + lastTry.random / 2));
}

export type LicenceRenewalDeps = {
  readonly files: LicenceFiles;
  /** `null`: this node was not told where the license service is. */
  readonly checkIn: CheckIn | null;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly random: () => number;
  /** Runs `fire` once after `delayMs`; returns how to take it back. */
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
  readonly log: Pick<Log, 'info' | 'warn'>;
};

/** A timer that never keeps the process alive. */
export const setBackgroundTimer: LicenceRenewalDeps['setTimer'] = (delayMs, fire) => {
  const timer = setTimeout(fire, delayMs).unref();
  return () => clearTimeout(timer);
};

export type LicenceRenewal = AsyncDisposable & {
  /** Asks at once, at most once a minute: the Core signed with a key that the installed list does not have. */
  fetchKeyset(): void;
};

/**
 * Keeps the licence file young (SECURITY 3.3). Nothing else waits for it: a failure is logged, once for an outage and its
 * reason, and tried again. Disposing ends a check-in that is under way and waits for files that are being written.
 */
export function startLicenceRenewal(deps: LicenceRenewalDeps): LicenceRenewal {
  const { files, checkIn, now, log } = deps;
  const stop = new AbortController();
  const showExpiry = createExpiryGauge(deps.metrics, now);
  let issuedAtMs: number | null = null;
  let lastTry: LastTry | null = null;
  let failure: string | null = null;
  let asked = false;
  let cancelTimer: (() => void) | null = null;

  const look = async (): Promise<void> => {
    const installed = await files.installed();
    issuedAtMs = installed && installed.iat * 1000;
    showExpiry(installed);
    if (checkIn === null || (!asked && nextTryAtMs(issuedAtMs, lastTry, now()) > now())) return;
    asked = false;
    lastTry = { atMs: now(), random: deps.random() };
    const documents = await checkIn(stop.signal);
    if (stop.signal.aborted) return;
    const licence = await files.install(documents, now());
    issuedAtMs = licence.iat * 1000;
    showExpiry(licence);
    if (licence.seq !== installed?.seq)
      log.info({ seq: licence.seq, expiresAt: licence.exp * 1000 }, 'licence renewed');
    else if (failure !== null) log.info('the license service answers again');
    failure = null;
  };

  const fail = (err: unknown): void => {
    const reason = err instanceof AppError ? err.code : ((err as NodeJS.ErrnoException).code ?? String(err));
    if (reason === failure || stop.signal.aborted) return;
    failure = reason;
    log.warn({ err }, 'the licence could not be renewed: the installed one stays, and it is tried again each hour');
  };

  const run = async (): Promise<void> => {
    cancelTimer = null;
    await look().catch(fail);
    if (stop.signal.aborted) return;
    const waitMs = asked ? fetchKeysetEveryMs : nextTryAtMs(issuedAtMs, lastTry, now()) - now();
    // Due, and yet not tried: the files cannot be read, or nobody can be asked.
    const delayMs = waitMs <= 0 ? lookAgainMs : Math.min(waitMs, lookAgainMs);
    cancelTimer = deps.setTimer(delayMs, () => {
      running = run();
    });
  };
  if (checkIn === null)
    log.warn('this node does not know its license service, so its licence is not renewed: set LICENSE_URL');
  let running = run();

  return {
    fetchKeyset() {
      const sinceMs = lastTry === null ? Number.POSITIVE_INFINITY : Math.abs(now() - lastTry.atMs);
      if (stop.signal.aborted || sinceMs < fetchKeysetEveryMs) return;
      asked = true;
      // Without a timer a look is under way, whose end sets one.
      if (cancelTimer === null) return;
      cancelTimer();
      running = run();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      cancelTimer?.();
      await running;
    },
  };
}

/** Shows when the licence ends; the remaining time is taken at each reading. */
function createExpiryGauge({ registry }: Metrics, now: () => number): (licence: LicenceClaims | null) => void {
  let expiresAtMs: number | null = null;
  new Gauge({
    name: 'sgp_licence_expires_seconds',
    help: 'Time until the licence file ends; below 0 it ended, and 0 is shown when there is none',
    registers: [registry],
    collect() {
      this.set(expiresAtMs === null ? 0 : (expiresAtMs - now()) / 1000);
    },
  });
  return (licence) => {
    expiresAtMs = licence && licence.exp * 1000;
  };
}
