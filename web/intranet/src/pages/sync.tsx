import type { SyncPage as SyncPageData } from '@sgp/shared/api/shop';
import type { SyncState, SyncStatus } from '@sgp/shared/sync';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { shownSyncState, syncChip } from '@sgp/ui/sync-chip';
import { Fragment } from 'preact';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { useApp, useResource } from '../app-context.ts';
import { syncHero } from '../logic/sync-hero.ts';
import { useErrorText } from '../parts/failure.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { Availability } from '../parts/sync-availability.tsx';
import { Conflicts } from '../parts/sync-conflicts.tsx';
import { Incidents } from '../parts/sync-incidents.tsx';
import { Parked } from '../parts/sync-parked.tsx';
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
        <a class="btn quiet push" href={isTv ? '/sincronizacao' : '/sincronizacao?tela=tv'}>
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
  return (
    <div class="stack wide sync-page">
      <Hero status={status} state={state} />
      <div class="sync-grid">
        <div class="stack">
          {page.parked.length > 0 ? <Parked parked={page.parked} onChange={onChange} /> : null}
          <Conflicts />
          <Pending page={page} status={newest} />
          <Availability page={page} silentSince={state === 'unknown' ? newest.at : null} />
        </div>
        <div class="stack">
          {state === 'offline' ? <Meanwhile status={newest} /> : null}
          <Health page={page} status={newest} />
        </div>
        <Incidents incidents={page.incidents} />
      </div>
    </div>
  );
}

function Hero({ status, state }: { readonly status: SyncStatus | null; readonly state: SyncState }) {
  const { t, words, format, now } = useApp();
  const errorText = useErrorText();
  const chip = syncChip(status, now.value, words.value, format.value);
  const hero = syncHero(status, now.value, t.value, words.value, format.value, errorText);
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
      {state === 'syncing' && status ? <Lanes status={status} /> : <Wire status={status} state={state} />}
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
                <span class="grow cut">{words.parkedStream[change.stream]}</span>
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

function Health({ page, status }: { readonly page: SyncPageData; readonly status: SyncStatus }) {
  const { t, format, now } = useApp();
  const { sync: words } = t.value;
  const { number, bytes } = format.value;
  return (
    <section class="panel" aria-labelledby="saude">
      <header>
        <h2 id="saude">{words.health}</h2>
      </header>
      <dl class="in facts">
        <dt>{words.lastConfirmed}</dt>
        <dd>{status.lastAckAt === null ? words.cloudNever : format.value.dayTime(status.lastAckAt, now.value)}</dd>
        <dt>{words.receipt}</dt>
        <dd>
          {page.receipt
            ? words.receiptAt(
                format.value.dayTime(page.receipt.at, now.value),
                number(
                  page.receipt.streams.reduce((sum, { rows }) => sum + rows, 0),
                  0,
                ),
              )
            : words.receiptNever}
        </dd>
        {page.lanes.map(({ lane, pending, oldestAt }) => (
          <Fragment key={lane}>
            <dt>{words.laneNames[lane]}</dt>
            <dd>
              {oldestAt === null
                ? words.laneNone
                : words.laneWaits(number(pending, 0), format.value.dayTime(oldestAt, now.value))}
            </dd>
          </Fragment>
        ))}
        <dt>{words.clock}</dt>
        <dd>
          {status.clockSkewMs === null
            ? words.clockUnknown
            : words.clockSkew(number(Math.abs(status.clockSkewMs) / 1000))}
        </dd>
        {page.disk ? (
          <>
            <dt>{words.disk}</dt>
            <dd>{words.diskFree(bytes(page.disk.freeBytes), bytes(page.disk.totalBytes))}</dd>
          </>
        ) : null}
        <dt>{words.sent}</dt>
        <dd>
          {words.sentValue(
            words.changes(page.totals.changesAcked, number(page.totals.changesAcked, 0)),
            bytes(page.totals.bytesSent),
          )}
        </dd>
        <dt>{words.batches}</dt>
        <dd>{number(page.totals.batches, 0)}</dd>
        <dt>{words.node}</dt>
        <dd class="cut">
          <code>{page.nodeId.slice(0, 8)}</code>
        </dd>
      </dl>
    </section>
  );
}
