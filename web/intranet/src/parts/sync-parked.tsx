import type { SyncPage } from '@sgp/shared/api/shop';
import { Icon } from '@sgp/ui/icon.tsx';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type ApiError, asApiError, type FailureCode } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { Failure, useErrorText } from './failure.tsx';

type PartProps<Row> = { readonly parked: readonly Row[]; readonly onChange: () => void };

/** What the cloud refused, counted until someone solves it: the reason in plain words, the way back, and the file. */
export function Parked({ parked, onChange }: PartProps<SyncPage['parked'][number]>) {
  const { api, t } = useApp();
  const { sync: words } = t.value;
  return (
    <SetAside
      id="separadas"
      title={words.parkedTitle(parked.length)}
      text={words.parkedText}
      done={words.retried}
      failed={words.retryFailed}
      onChange={onChange}
      rows={parked.map(({ seq, stream, orderId, number, name, code, at }) => ({
        key: String(seq),
        name:
          stream === 'orders' ? (
            <a href={`/pedidos/${orderId}`}>
              {words.parkedStream.orders} <b class="num">{number}</b>
            </a>
          ) : (
            <>
              {words.parkedStream[stream]} <b>{name}</b>
            </>
          ),
        why: words.parkedWhy,
        code,
        at,
        retry: () => api.retryParked(seq),
        file: `/api/sync/parked/${seq}`,
      }))}
    />
  );
}

/** What came from the cloud and does not fit in this shop. */
export function ParkedDown({ parked, onChange }: PartProps<SyncPage['down']['parked'][number]>) {
  const { api, t } = useApp();
  const { syncFigures: words } = t.value;
  return (
    <SetAside
      id="nao-couberam"
      title={words.parkedDownTitle(parked.length)}
      text={words.parkedDownText}
      done={words.applied}
      failed={words.stillNot}
      onChange={onChange}
      rows={parked.map(({ stream, entityId, name, code, at }) => ({
        key: `${stream}/${entityId}`,
        name: (
          <>
            {words.downStream[stream]} <b>{name ?? entityId.slice(0, 8)}</b>
          </>
        ),
        why: words.downWhy,
        code,
        at,
        retry: () => api.retryParkedDown(stream, entityId),
        file: `/api/sync/down/${stream}/${entityId}`,
      }))}
    />
  );
}

type Row = {
  readonly key: string;
  readonly name: ComponentChildren;
  /** Reasons in the shop's words, by code; another code has its general text. */
  readonly why: Readonly<Record<string, string>>;
  readonly code: FailureCode;
  readonly at: number;
  readonly retry: () => Promise<void>;
  readonly file: string;
};

type SetAsideProps = {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly done: string;
  readonly failed: string;
  readonly rows: readonly Row[];
  readonly onChange: () => void;
};

function SetAside({ id, title, text, done, failed, rows, onChange }: SetAsideProps) {
  const { t, format, now, session, toasts } = useApp();
  const textOf = useErrorText();
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const { sync: words } = t.value;
  const role = session.value?.user.role;
  const mayAct = role === 'owner' || role === 'manager';

  async function retry(row: Row) {
    setBusy(true);
    setFailure(null);
    try {
      await row.retry();
      toasts.show({ icon: 'ok', text: done });
      onChange();
    } catch (cause) {
      setFailure(asApiError(cause));
    }
    setBusy(false);
  }

  return (
    <section class="panel parked" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
      </header>
      <p class="in t14 muted">{text}</p>
      {failure ? <Failure error={failure} title={failed} /> : null}
      <div class="rows">
        {rows.map((row) => (
          <div key={row.key}>
            <Icon name="alerta" />
            <span class="grow">
              {row.name}
              <br />
              <span class="muted">{row.why[row.code] ?? textOf(row.code)}</span>{' '}
              <span class="t13 muted">
                <span class="code">{row.code}</span> ·{' '}
                <span class="num">{format.value.dayTime(row.at, now.value)}</span>
              </span>
            </span>
            {mayAct ? (
              <span class="act">
                <button class="btn small" type="button" disabled={busy} onClick={() => void retry(row)}>
                  <Icon name="atualizar" size="sm" />
                  {words.retryOne}
                </button>
                <a class="btn small quiet" href={row.file} download>
                  <Icon name="baixar" size="sm" />
                  {words.download}
                </a>
              </span>
            ) : null}
          </div>
        ))}
      </div>
    </section>
  );
}
