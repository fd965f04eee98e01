import type { SyncPage } from '@sgp/shared/api/shop';
import type { SyncState, SyncStatus } from '@sgp/shared/sync';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useApp } from '../app-context.ts';
import { pendingDown } from './sync-health.tsx';

/** Two ends and a wire: whole while the cloud acknowledges, cut while it is out of reach, dotted while nobody knows. */
export function Wire({ status, state }: { readonly status: SyncStatus | null; readonly state: SyncState }) {
  const { t, session, format, now } = useApp();
  const { sync: words } = t.value;
  // Something that was set aside cuts no wire.
  const isCut = state === 'offline' || (state === 'failed' && status?.error !== null);
  const isKnown = state !== 'unknown';
  const pending = status?.pendingChanges ?? 0;
  const count = format.value.number(pending, 0);
  const seen = status?.lastAckAt ?? null;
  const coming = status?.down ? pendingDown(status.down, now.value) : null;
  return (
    <div class="wire">
      <div class="end-pt">
        <Icon name="servidor" size="lg" />
        <b>{words.shopEnd}</b>
        <small>{isCut ? words.shopWorks : session.value?.shop.name}</small>
      </div>
      <div class="way">
        <span>{isKnown ? (isCut ? words.kept(pending, count) : words.toSend(count)) : ''}</span>
        <svg viewBox="0 0 200 24" preserveAspectRatio="none" aria-hidden="true">
          {isCut ? (
            <>
              <path d="M2 12h76M122 12h76" class="wire-off" />
              <path d="M92 5l16 14M108 5 92 19" class="wire-cut" />
            </>
          ) : isKnown ? (
            <path d="M2 7h196M190 2l8 5-8 5M198 18H2M10 13l-8 5 8 5" class="wire-ok" />
          ) : (
            <path d="M2 12h196" class="wire-off" />
          )}
        </svg>
        <span>
          {state === 'offline' && status?.offlineSince != null
            ? words.waitingFor(format.value.duration(now.value - status.offlineSince))
            : isKnown && !isCut && coming !== null
              ? t.value.syncFigures.toReceive(format.value.number(coming, 0))
              : ''}
        </span>
      </div>
      <div class={isCut || !isKnown ? 'end-pt stale' : 'end-pt'}>
        <Icon name="nuvem" size="lg" />
        <b>{words.cloudEnd}</b>
        <small>
          {isCut || !isKnown
            ? seen === null
              ? words.cloudNever
              : words.cloudSeen(format.value.time(seen))
            : words.cloudFor}
        </small>
      </div>
    </div>
  );
}

/** What still has to go: orders before photos. */
export function Lanes({ page, status }: { readonly page: SyncPage; readonly status: SyncStatus }) {
  const { t, format } = useApp();
  const { lanes } = t.value.sync;
  // Progress is the server's: what was sent since the outage began, against what waits. So it survives a reload.
  const [last] = page.incidents;
  const sent = last?.endedAt === null ? last.sent : 0;
  const rows = [
    { name: lanes.orders, pending: status.pendingChanges, done: sent },
    { name: lanes.photos, pending: status.pendingMedia, done: page.photos.done },
  ];
  return (
    <div class="lanes">
      {rows.map(({ name, pending, done }) => (
        <div class="lane" key={name}>
          <span>{name}</span>
          {pending === 0 ? (
            <StatusChip tone="ok" icon="ok" text={lanes.confirmed} bare />
          ) : (
            <span class="num">{lanes.waiting(format.value.number(pending, 0))}</span>
          )}
          <progress
            max={Math.max(1, done + pending)}
            value={pending === 0 ? Math.max(1, done) : done}
            aria-label={name}
          />
        </div>
      ))}
    </div>
  );
}
