import type { Log } from '@sgp/service-kit/log';
import type { LicenceReader } from '../shop/licence-reader.ts';
import type { ParkedStore } from './parked-store.ts';

export type LicenceReturnDeps = {
  readonly licence: LicenceReader;
  readonly parked: Pick<ParkedStore, 'retryAll'>;
  readonly now: () => number;
  readonly log: Pick<Log, 'info' | 'warn'>;
};

/**
 * Puts the changes that only a restricted licence held back into the queue when the licence is active again, so that nobody
 * has to remember them. `look` acts at the turn alone: a Core that still refuses parks them again, and they rest until the
 * next turn or a person.
 */
export function createLicenceReturn({ licence, parked, now, log }: LicenceReturnDeps): { look(): Promise<void> } {
  let wasActive = false;
  return {
    async look() {
      try {
        const isActive = (await licence.read(now())).state === 'active';
        if (isActive && !wasActive) {
          const changes = await parked.retryAll('LICENSE_RESTRICTED');
          if (changes > 0) log.info({ changes }, 'the licence is back: changes that it held go again');
        }
        wasActive = isActive;
      } catch (err) {
        log.warn({ err }, 'changes that the licence held could not be put back');
      }
    },
  };
}
