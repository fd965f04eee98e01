import { limits } from '@sgp/shared/limits';
import type { SyncState, SyncStatus } from '@sgp/shared/sync';
import type { Formatters } from './format.ts';
import type { IconName } from './icon-names.ts';
import type { Status, Tone } from './status.ts';
import type { Words } from './words.ts';

export type SyncChip = Status & {
  readonly state: SyncState;
  /** What stands before the text in grey; null where the text is a sentence of its own. */
  readonly label: string | null;
  /** What follows, most important first: a narrow bar drops from the end. */
  readonly details: readonly string[];
  /** The whole on a phone. */
  readonly brief: string;
};

const LOOK: Readonly<Record<SyncState, { readonly tone: Tone; readonly icon: IconName }>> = {
  ok: { tone: 'ok', icon: 'nuvem-ok' },
  syncing: { tone: 'run', icon: 'nuvem-sobe' },
  late: { tone: 'warn', icon: 'relogio' },
  // No internet is a warning and not an alarm: the shop is working.
  offline: { tone: 'warn', icon: 'nuvem-fora' },
  failed: { tone: 'bad', icon: 'alerta' },
  paused: { tone: 'none', icon: 'pausar' },
  unknown: { tone: 'unknown', icon: 'desconhecido' },
};

/**
 * The state that may be shown. "OK" is a claim about now: when the last acknowledgement has grown old in this browser
 * since the status was written, the claim has lapsed, whoever wrote it (PRODUCT J5.1).
 */
export function shownSyncState(status: SyncStatus | null, now: number): SyncState {
  if (status === null) return 'unknown';
  if (status.state !== 'ok') return status.state;
  const tolerance = limits.syncOkMaxAckAgeMs + limits.syncHeartbeatMs;
  return status.lastAckAt !== null && now - status.lastAckAt <= tolerance ? 'ok' : 'late';
}

/** The wording of the sync chip: `Sincronização: OK | Último Sync: há 2 min`, total over the states. `now` in ms, server's clock. */
export function syncChip(
  status: SyncStatus | null,
  now: number,
  { sync }: Words,
  format: Pick<Formatters, 'ago' | 'time' | 'number'>,
): SyncChip {
  const state = shownSyncState(status, now);
  const word = sync.state[state];
  const last = status === null || status.lastAckAt === null ? sync.never : sync.last(format.ago(status.lastAckAt, now));
  const pending = status?.pendingChanges ?? 0;
  const count = format.number(pending, 0);
  const stored = sync.stored(pending, count);
  const chip = (
    text: string,
    details: readonly string[],
    brief: string = text,
    label: string | null = sync.label,
  ): SyncChip => ({ ...LOOK[state], state, text, details, brief, label });

  switch (state) {
    case 'ok':
      return chip(word, [last]);
    case 'syncing': {
      const everything = pending + (status?.pendingMedia ?? 0);
      return chip(sync.count(word, format.number(everything, 0)), [last]);
    }
    case 'late':
      return chip(word, pending > 0 ? [stored, last] : [last]);
    case 'offline': {
      const since = status?.offlineSince ?? null;
      return chip(
        since === null ? sync.offline : sync.offlineSince(format.time(since)),
        [stored, sync.shopGoesOn],
        sync.storedBrief(pending, count),
        null,
      );
    }
    case 'failed':
      return chip(word, [last]);
    case 'paused':
      return chip(word, [stored]);
    case 'unknown':
      return chip(word, status === null ? [] : [last]);
  }
}
