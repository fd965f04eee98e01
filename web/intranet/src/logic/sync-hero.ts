import type { SyncPage } from '@sgp/shared/api/shop';
import type { SyncStatus } from '@sgp/shared/sync';
import type { Formatters } from '@sgp/ui/format';
import { shownSyncState } from '@sgp/ui/sync-chip';
import type { Words } from '@sgp/ui/words';
import type { Dictionary } from '../messages/dictionary.ts';

export type SyncHero = {
  readonly edge: '' | 'warn-edge' | 'run-edge' | 'bad-edge';
  readonly title: string;
  readonly rest: string;
  readonly text: string;
};

/** The sentence on top of the sync page, total over the states; the figures below it are the proof. */
export function syncHero(
  { status, page }: { readonly status: SyncStatus | null; readonly page: Pick<SyncPage, 'photos' | 'receipt'> },
  now: number,
  t: Dictionary,
  words: Words,
  format: Formatters,
  errorText: (code: NonNullable<SyncStatus['error']>['code']) => string,
): SyncHero {
  const { hero, changes } = t.sync;
  const state = shownSyncState(status, now);
  const pending = status?.pendingChanges ?? 0;
  const stored = words.sync.stored(pending, format.number(pending, 0));
  const lastText =
    status?.lastAckAt == null
      ? hero.neverText
      : hero.okText(format.clock(status.lastAckAt), format.ago(status.lastAckAt, now));
  switch (state) {
    case 'ok':
      return {
        edge: '',
        title: hero.ok,
        rest: '',
        text: page.receipt
          ? `${lastText} ${t.syncFigures.receiptText(format.dayTime(page.receipt.at, now))}`
          : lastText,
      };
    case 'syncing': {
      const parts = [
        pending > 0 ? changes(pending, format.number(pending, 0)) : '',
        photosText(page.photos, status?.pendingMedia ?? 0, t.syncFigures, format),
      ];
      return {
        edge: 'run-edge',
        title: hero.syncing(parts.filter((part) => part !== '').join(' · ')),
        rest: '',
        text: hero.syncingText,
      };
    }
    case 'late':
      return { edge: 'warn-edge', title: hero.late, rest: '', text: `${hero.lateText(stored)} ${lastText}` };
    case 'offline': {
      const since = status?.offlineSince ?? null;
      return {
        edge: 'warn-edge',
        title: since === null ? hero.offlineShort : hero.offline(format.time(since)),
        rest: hero.offlineRest(stored),
        text: hero.offlineText,
      };
    }
    case 'failed':
      // Nothing stopped: what could be sent was sent, and what the cloud refused waits for a person.
      if (status?.error === null && parkedOf(status) > 0)
        return {
          edge: 'bad-edge',
          title: t.syncFigures.setAside(parkedOf(status)),
          rest: '',
          text: `${t.syncFigures.setAsideText} ${lastText}`,
        };
      return {
        edge: 'bad-edge',
        title: hero.failed,
        rest: '',
        text: status?.error ? errorText(status.error.code) : lastText,
      };
    case 'paused':
      return { edge: '', title: hero.paused, rest: '', text: hero.pausedText };
    case 'unknown':
      return { edge: '', title: hero.unknown, rest: '', text: hero.unknownText };
  }
}

/** The page and the status are not read in one moment: where the page counts no photos, what the sender holds is said. */
function photosText(
  { done, total }: SyncPage['photos'],
  left: number,
  figures: Dictionary['syncFigures'],
  format: Formatters,
): string {
  if (total > 0) return figures.photosOf(format.number(done, 0), format.number(total, 0));
  return left > 0 ? figures.photosLeft(left, format.number(left, 0)) : '';
}

/** Set aside on either side: both wait for a person. */
const parkedOf = ({ parkedChanges, parkedDown = 0 }: SyncStatus): number => parkedChanges + parkedDown;
