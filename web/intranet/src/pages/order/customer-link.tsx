import type { Order } from '@sgp/shared/api/orders';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { useState } from 'preact/hooks';
import { encode } from 'uqr';
import { type ApiError, asApiError } from '../../api-error.ts';
import { useApp } from '../../app-context.ts';
import { useSavingOff } from '../../parts/contact-notice.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Failure } from '../../parts/failure.tsx';

/** The customer's page: link and QR, to hand over, to replace, to kill. */
export function CustomerLink({ order, onReload }: { readonly order: Order; readonly onReload: () => Promise<void> }) {
  const { api, toasts, t, format } = useApp();
  const { orders, common } = t.value;
  const [asking, setAsking] = useState<'none' | 'reissue' | 'revoke'>('none');
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const savingOff = useSavingOff();
  const { link } = order;

  async function run(act: () => Promise<unknown>, told: string) {
    if (isBusy) return;
    setBusy(true);
    setFailure(null);
    setAsking('none');
    try {
      await act();
      await onReload();
      toasts.show({ icon: 'link', text: told });
    } catch (cause) {
      setFailure(asApiError(cause));
    }
    setBusy(false);
  }
  const issue = () => run(() => api.issueLink(order.orderId), orders.linkIssued);
  const revoke = () => run(() => api.revokeLink(order.orderId), orders.linkRevoked);

  return (
    <section class="panel" aria-labelledby="link-titulo">
      <header>
        <h2 id="link-titulo">{orders.link}</h2>
        <span class="push t12 muted line">
          <Icon name={order.synced ? 'nuvem-ok' : 'nuvem-sobe'} size="sm" />
          {order.synced ? orders.synced : orders.notSyncedYet}
        </span>
      </header>
      <div class="in stack">
        {failure ? <Failure error={failure} title={common.saveFailed} /> : null}
        {link ? (
          <>
            <div class="link-box">
              <QrCode text={link.url} label={orders.linkQr} />
              <div class="stack tight">
                <a class="t13 link-url" href={link.url} target="_blank" rel="noreferrer">
                  {link.url}
                </a>
                <span class="hint">
                  {link.expiresAt === null ? orders.linkForever : orders.linkUntil(format.value.date(link.expiresAt))}
                </span>
                <div class="line wrap">
                  <CopyButton text={link.url} label={orders.linkCopy} />
                </div>
              </div>
            </div>
            <div class="line wrap">
              <button class="btn small quiet" type="button" disabled={savingOff} onClick={() => setAsking('reissue')}>
                <Icon name="atualizar" size="sm" />
                {orders.linkReissue}
              </button>
              <button
                class="btn small quiet danger"
                type="button"
                disabled={savingOff}
                onClick={() => setAsking('revoke')}
              >
                <Icon name="bloqueio" size="sm" />
                {orders.linkRevoke}
              </button>
            </div>
          </>
        ) : (
          <>
            <p class="muted t14">{orders.linkNone}</p>
            <div>
              <button class="btn" type="button" aria-busy={isBusy} disabled={savingOff} onClick={() => void issue()}>
                <Icon name="link" />
                {orders.linkIssue}
              </button>
            </div>
          </>
        )}
      </div>
      {asking === 'none' ? null : (
        <Dialog
          title={asking === 'reissue' ? orders.linkReissue : orders.linkRevoke}
          onClose={() => setAsking('none')}
          onSubmit={() => void (asking === 'reissue' ? issue() : revoke())}
          footer={
            <>
              <button class="btn" type="button" autofocus onClick={() => setAsking('none')}>
                {common.cancel}
              </button>
              <button class="btn danger" type="submit" disabled={savingOff}>
                {asking === 'reissue' ? orders.linkReissue : orders.linkRevoke}
              </button>
            </>
          }
        >
          <p class="t14">{asking === 'reissue' ? orders.linkReissueText : orders.linkRevokeText}</p>
        </Dialog>
      )}
    </section>
  );
}

/** Black on white in both themes, with the quiet border that readers need (ISO/IEC 18004 §9.1: four modules). */
function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { data, size } = encode(text, { ecc: 'M', border: 4 });
  let path = '';
  data.forEach((row, y) => {
    row.forEach((isDark, x) => {
      if (isDark) path += `M${x} ${y}h1v1h-1z`;
    });
  });
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
