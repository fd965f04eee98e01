import type { SyncPage } from '@sgp/shared/api/shop';
import { Icon } from '@sgp/ui/icon.tsx';
import { useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { Failure, useErrorText } from './failure.tsx';

type ParkedProps = { readonly parked: SyncPage['parked']; readonly onChange: () => void };

/** What the cloud refused, counted until someone solves it: the reason in plain words, the way back, and the file. */
export function Parked({ parked, onChange }: ParkedProps) {
  const { api, t, format, now, session, toasts } = useApp();
  const textOf = useErrorText();
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [busySeq, setBusySeq] = useState<number | null>(null);
  const { sync: words } = t.value;
  const role = session.value?.user.role;
  const mayAct = role === 'owner' || role === 'manager';

  async function retry(seq: number) {
    setBusySeq(seq);
    setFailure(null);
    try {
      await api.retryParked(seq);
      toasts.show({ icon: 'ok', text: words.retried });
      onChange();
    } catch (cause) {
      setFailure(asApiError(cause));
    }
    setBusySeq(null);
  }

  return (
    <section class="panel parked" aria-labelledby="separadas">
      <header>
        <h2 id="separadas">{words.parkedTitle(parked.length)}</h2>
      </header>
      <p class="in t14 muted">{words.parkedText}</p>
      {failure ? <Failure error={failure} title={words.retryFailed} /> : null}
      <div class="rows">
        {parked.map(({ seq, stream, orderId, number, code, at }) => (
          <div key={seq}>
            <Icon name="alerta" />
            <span class="grow">
              {stream === 'orders' ? (
                <a href={`/pedidos/${orderId}`}>
                  {words.parkedStream.orders} <b class="num">{number}</b>
                </a>
              ) : (
                words.parkedStream[stream]
              )}{' '}
              <span class="muted">
                {code in words.parkedWhy ? words.parkedWhy[code as keyof typeof words.parkedWhy] : textOf(code)}
              </span>{' '}
              <span class="faint code">{code}</span>{' '}
              <span class="num t13 muted">{format.value.dayTime(at, now.value)}</span>
            </span>
            {mayAct ? (
              <span class="act">
                <button class="btn small" type="button" disabled={busySeq !== null} onClick={() => void retry(seq)}>
                  <Icon name="atualizar" size="sm" />
                  {words.retryOne}
                </button>
                <a class="btn small quiet" href={`/api/sync/parked/${seq}`} download>
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
