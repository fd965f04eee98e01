import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';

export type DeviceCredential = { readonly username: string; readonly secretSha256: readonly string[] };

/** Keeps the broker's device credentials equal to the registry. */
export type CredentialPush = AsyncDisposable & {
  /**
   * Tells the broker the whole set, again until it took it.
   * @returns true once the broker confirmed it; false when it did not within `credentialConfirmMaxMs`: the tries go on
   *   by themselves
   */
  push(): Promise<boolean>;
};

/**
 * The set is read from the database at each try, so what arrives is never older than the change that asked. One request
 * at a time: a slow old set can never come after a newer one.
 */
export function createCredentialPush(deps: {
  readonly broker: { readonly url: string; readonly token: string };
  readonly credentials: () => Promise<readonly DeviceCredential[]>;
  readonly log: Pick<Log, 'info' | 'warn'>;
}): CredentialPush {
  const closing = new AbortController();
  /** Changes that asked, and the last of them that the broker has. */
  let wanted = 0;
  let taken = 0;
  let waiting: { readonly change: number; readonly answer: (took: boolean) => void }[] = [];
  let running: Promise<void> | null = null;

  const send = async (): Promise<boolean> => {
    try {
      const credentials = await deps.credentials();
      const response = await fetch(new URL('/v1/credentials', deps.broker.url), {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${deps.broker.token}` },
        body: JSON.stringify({ credentials }),
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(limits.credentialPushTimeoutMs)]),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the broker answered ${response.status}`);
      return true;
    } catch (err) {
      if (!closing.signal.aborted) deps.log.warn({ err }, 'the broker did not take the credentials; trying again');
      return false;
    }
  };
  const work = async (): Promise<void> => {
    let waitMs: number = limits.credentialPushRetryMinMs;
    while (taken < wanted && !closing.signal.aborted) {
      const change = wanted;
      const took = await send();
      if (took) taken = change;
      if (took) {
        for (const { answer } of waiting.filter((waiter) => waiter.change <= change)) answer(true);
        continue;
      }
      await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, limits.credentialPushRetryMaxMs);
    }
    running = null;
  };
  return {
    push() {
      wanted += 1;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => answer(false), limits.credentialConfirmMaxMs);
      const answer = (took: boolean): void => {
        clearTimeout(timer);
        waiting = waiting.filter((waiter) => waiter.answer !== answer);
        resolve(took);
      };
      waiting.push({ change: wanted, answer });
      running ??= work();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await running;
      for (const { answer } of waiting) answer(false);
    },
  };
}
