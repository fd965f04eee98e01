import type { SyncPage as SyncPageData } from '@sgp/shared/api/shop';
import type { SyncState, SyncStatus } from '@sgp/shared/sync';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { shownSyncState, syncChip } from '@sgp/ui/sync-chip';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { useApp, useResource } from '../app-context.ts';
import { syncHero } from '../logic/sync-hero.ts';
import { useErrorText } from '../parts/failure.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { Availability } from '../parts/sync-availability.tsx';
import { ByFile } from '../parts/sync-bundle.tsx';
import { Conflicts } from '../parts/sync-conflicts.tsx';
import { Decided } from '../parts/sync-decided.tsx';
import { Directions, Health } from '../parts/sync-health.tsx';
import { Incidents } from '../parts/sync-incidents.tsx';
import { Parked, ParkedDown } from '../parts/sync-parked.tsx';
import { Lanes, Wire } from '../parts/sync-wire.tsx';

const PENDING_MAX = 8;

/** Is everything safe? A sentence, two ends and a wire, then the figures. */
export function SyncPage() {
  const { api, t } = useApp();
  const resource = useResource('sync', api.sync, (name) => name === 'sync.status');
  const isTv = useLocation().query['tela'] === 'tv';
  useEffect(() => {
    if (!isTv) return;
    const { dataset } = document.documentElement;
    const { theme } = dataset;
    dataset['screen'] = 'tv';
    dataset['theme'] = 'escuro';
    return () => {
      delete dataset['screen'];
      if (theme === undefined) delete dataset['theme'];
      else dataset['theme'] = theme;
    };
  }, [isTv]);
  useEffect(() => {
    document.title = `${t.value.sync.title} · SGP`;
  }, [t.value]);
  return (
    <>
      <div class="head">
        <h1>{t.value.sync.title}</h1>
        <a
          class={isTv ? 'btn quiet push' : 'btn quiet push wide-only'}
          href={isTv ? '/sincronizacao' : '/sincronizacao?tela=tv'}
        >
          <Icon name="quadro" size="sm" />
          {isTv ? t.value.sync.tvLeave : t.value.sync.tv}
        </a>
      </div>
      <Loaded resource={resource}>{(page) => <SyncView page={page} onChange={() => void resource.refresh()} />}</Loaded>
    </>
  );
}

function SyncView({ page, onChange }: { readonly page: SyncPageData; readonly onChange: () => void }) {
  const { sync, now, contact } = useApp();
  // The stream's status is the newest; the page's own is what it was when it was read.
  const newest = sync.value && sync.value.at >= page.status.at ? sync.value : page.status;
  const status = contact.state.value === 'away' ? null : newest;
  const state = shownSyncState(status, now.value);
  // What waits comes first while it stays; in a healthy hour it comes and goes, and must not push the rest about.
  const isWaiting = state === 'offline' || state === 'late';
  return (
    <div class="stack wide sync-page">
      <Hero page={page} status={status} state={state} />
      <div class="sync-grid">
        <div class="stack">
          {isWaiting ? <Pending page={page} status={newest} /> : null}
          {isWaiting ? <ByFile key="by-file" /> : null}
          {page.parked.length > 0 ? <Parked parked={page.parked} onChange={onChange} /> : null}
          {page.down.parked.length > 0 ? <ParkedDown parked={page.down.parked} onChange={onChange} /> : null}
          <Conflicts />
          {isWaiting ? null : <Pending page={page} status={newest} />}
          <Availability page={page} silentSince={state === 'unknown' ? newest.at : null} />
          {isWaiting ? null : <ByFile key="by-file" />}
        </div>
        <div class="stack">
          {state === 'offline' ? <Meanwhile status={newest} /> : null}
          <Directions page={page} status={newest} />
          <Health page={page} status={newest} />
        </div>
        <Incidents incidents={page.incidents} />
        <Decided />
      </div>
    </div>
  );
}

type HeroProps = { readonly page: SyncPageData; readonly status: SyncStatus | null; readonly state: SyncState };

function Hero({ page, status, state }: HeroProps) {
  const { t, words, format, now } = useApp();
  const errorText = useErrorText();
  const chip = syncChip(status, now.value, words.value, format.value);
  const hero = syncHero({ status, page }, now.value, t.value, words.value, format.value, errorText);
  return (
    <section class={`panel hero ${hero.edge}`} aria-label={t.value.sync.now} data-state={state}>
      <div class="say">
        <StatusChip
          tone={chip.tone}
          icon={chip.icon}
          text={state === 'syncing' ? chip.text : words.value.sync.state[state]}
          big
        />
        <h2 aria-live="polite">
          {hero.title} {hero.rest ? <span>{hero.rest}</span> : null}
        </h2>
        <p class="muted">{hero.text}</p>
      </div>
      {state === 'syncing' && status ? <Lanes page={page} status={status} /> : <Wire status={status} state={state} />}
    </section>
  );
}

function Pending({ page, status }: { readonly page: SyncPageData; readonly status: SyncStatus }) {
  const { t, format, now } = useApp();
  const { sync: words } = t.value;
  const rest = status.pendingChanges - Math.min(PENDING_MAX, page.pending.length);
  return (
    <section class="panel" aria-labelledby="pendentes">
      <header>
        <h2 id="pendentes">{words.pendingTitle}</h2>
        {status.oldestPendingAt === null ? null : (
          <span class="push muted t13">{words.oldest(format.value.dayTime(status.oldestPendingAt, now.value))}</span>
        )}
      </header>
      {page.pending.length === 0 && status.pendingMedia === 0 ? (
        <p class="in t14 muted">
          <b>{words.pendingNone}.</b> {words.pendingNoneText}
        </p>
      ) : (
        <div class="rows">
          {page.pending.slice(0, PENDING_MAX).map((change) => {
            const when = (
              <>
                <span class="muted t13">
                  {words.version(change.version)}
                  {change.attempts > 0 ? ` · ${words.attempts(change.attempts)}` : ''}
                </span>
                <span class="num t13 muted">{format.value.time(change.at)}</span>
              </>
            );
            return change.stream === 'orders' ? (
              <a key={change.seq} href={`/pedidos/${change.orderId}`}>
                <Icon name="pedidos" />
                <span class="grow cut">{words.pendingOrder(change.number, change.customer)}</span>
                {when}
              </a>
            ) : (
              <div key={change.seq}>
                <Icon name="documento" />
                <span class="grow cut">
                  {words.parkedStream[change.stream]} {change.name}
                </span>
                {when}
              </div>
            );
          })}
          {rest > 0 ? (
            <div class="muted">
              {page.pending.length > 0
                ? words.andMore(format.value.number(rest, 0))
                : words.changes(rest, format.value.number(rest, 0))}
            </div>
          ) : null}
          {status.pendingMedia > 0 ? (
            <div>
              <Icon name="camera" />
              <span class="grow">
                {words.photosPending} <span class="muted">{words.photosLater}</span>
              </span>
              <b class="num">{format.value.number(status.pendingMedia, 0)}</b>
            </div>
          ) : null}
        </div>
      )}
    </section>
  );
}

function Meanwhile({ status }: { readonly status: SyncStatus }) {
  const { t, format } = useApp();
  const { sync: words } = t.value;
  return (
    <section class="panel" aria-labelledby="enquanto">
      <header>
        <h2 id="enquanto">{words.meanwhile}</h2>
      </header>
      <div class="rows">
        <div>
          <Icon name="ok" />
          <span>
            {words.meanwhileShop} <b>{words.meanwhileNormal}</b>
          </span>
        </div>
        <div>
          <Icon name="relogio" />
          <span>
            {status.lastAckAt === null
              ? words.meanwhileCustomersNever
              : words.meanwhileCustomers(format.value.time(status.lastAckAt))}
          </span>
        </div>
        {status.pendingMedia > 0 ? (
          <div>
            <Icon name="camera" />
            <span>{words.meanwhilePhotos}</span>
          </div>
        ) : null}
      </div>
    </section>
  );
}
