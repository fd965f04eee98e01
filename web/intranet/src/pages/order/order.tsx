import type { Order } from '@sgp/shared/api/orders';
import { Empty } from '@sgp/ui/empty.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import type { ApiError } from '../../api-error.ts';
import { asApiError } from '../../api-error.ts';
import { useApp, useResource } from '../../app-context.ts';
import { Failure } from '../../parts/failure.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { MoveDialog } from '../../parts/move-dialog.tsx';
import { moveWithUndo } from '../../parts/order-move.ts';
import { PromiseDialog } from '../../parts/promise-dialog.tsx';
import { useScreenKeys } from '../../parts/shortcuts.tsx';
import { Trail } from '../../parts/trail.tsx';
import { useOrder } from '../../parts/use-order.ts';
import { CustomerLink } from './customer-link.tsx';
import { History } from './history.tsx';
import { OrderHead } from './order-head.tsx';
import { OrderPhotos } from './order-photos.tsx';
import { OrderSheet } from './order-sheet.tsx';

const TABS = ['ficha', 'fotos', 'historico'] as const;
type Tab = (typeof TABS)[number];

export function OrderPage() {
  const { params } = useRoute();
  const { t } = useApp();
  const orderId = params['id'] ?? '';
  const resource = useOrder(orderId);
  if (resource.error.value?.code === 'NOT_FOUND') {
    return (
      <section class="panel">
        <Empty isPage icon="pedidos" title={t.value.orders.orderNotFound}>
          <a class="btn" href="/pedidos">
            {t.value.orders.title}
          </a>
        </Empty>
      </section>
    );
  }
  return (
    <Loaded resource={resource} rows={6}>
      {(order) => <OrderView key={order.orderId} order={order} onOrder={resource.set} onReload={resource.refresh} />}
    </Loaded>
  );
}

type OrderViewProps = {
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  readonly onReload: () => Promise<void>;
};

/** Number, customer, promise, money and stage are always in sight; ficha, photos and history are tabs below. */
function OrderView({ order, onOrder, onReload }: OrderViewProps) {
  const app = useApp();
  const { api, t } = app;
  const { query, route } = useLocation();
  const settings = useResource('settings', api.settings);
  const [dialog, setDialog] = useState<'none' | 'move' | 'promise'>('none');
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const { orders } = t.value;
  const tab: Tab = TABS.find((known) => known === query['parte']) ?? 'ficha';
  const stages = settings.data.value?.stages ?? [];
  useEffect(() => {
    document.title = `${order.number} ${order.customer.name} · SGP`;
  }, [order.number, order.customer.name]);

  async function move(to: string) {
    if (isBusy) return;
    setBusy(true);
    setFailure(null);
    const settle = (result: Order | Error) => {
      if (result instanceof Error) {
        setFailure(asApiError(result));
        void onReload();
      } else onOrder(result);
    };
    try {
      settle(
        await moveWithUndo(
          app,
          { orderId: order.orderId, number: order.number, version: order.version, stageKey: order.stage.key },
          to,
          settle,
        ),
      );
    } catch (cause) {
      settle(cause instanceof Error ? cause : new Error(String(cause)));
    }
    setBusy(false);
  }

  useScreenKeys({
    m: (event) => {
      event.preventDefault();
      setDialog('move');
    },
  });

  const go = (next: Tab) =>
    route(next === 'ficha' ? `/pedidos/${order.orderId}` : `/pedidos/${order.orderId}?parte=${next}`, true);
  const tabs: readonly { readonly id: Tab; readonly label: string; readonly count: number | null }[] = [
    { id: 'ficha', label: orders.tabs.sheet, count: null },
    { id: 'fotos', label: orders.tabs.photos, count: order.media.length },
    { id: 'historico', label: orders.tabs.history, count: null },
  ];
  return (
    <>
      <OrderHead
        order={order}
        stages={stages}
        isBusy={isBusy}
        onMove={(to) => void move(to)}
        onMoveDialog={() => setDialog('move')}
        onPromise={() => setDialog('promise')}
      />
      {failure ? <Failure error={failure} title={orders.moveFailed(order.number)} /> : null}
      <div class="tabs" role="tablist" aria-label={orders.tabs.label}>
        {tabs.map(({ id, label, count }, index) => (
          <button
            key={id}
            id={`aba-${id}`}
            type="button"
            role="tab"
            aria-selected={tab === id}
            aria-controls="parte"
            tabIndex={tab === id ? 0 : -1}
            onClick={() => go(id)}
            onKeyDown={(event) => {
              const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
              const next = tabs[(index + step + tabs.length) % tabs.length];
              if (step === 0 || !next) return;
              event.preventDefault();
              go(next.id);
              document.getElementById(`aba-${next.id}`)?.focus();
            }}
          >
            {label} {count ? <small>{count}</small> : null}
          </button>
        ))}
      </div>
      <div id="parte" role="tabpanel" aria-labelledby={`aba-${tab}`}>
        {tab === 'ficha' ? (
          <div class="order">
            <div class="stack">
              <OrderSheet order={order} />
              <OrderPhotos order={order} onOrder={onOrder} isBrief />
            </div>
            <div class="stack">
              <CustomerLink order={order} onReload={onReload} />
              <History order={order} limit={6} title={orders.timeline} />
            </div>
          </div>
        ) : tab === 'fotos' ? (
          <OrderPhotos order={order} onOrder={onOrder} />
        ) : (
          <div class="stack">
            <History order={order} title={orders.history.title} />
            <Trail orderId={order.orderId} />
          </div>
        )}
      </div>
      {dialog === 'move' ? (
        <MoveDialog order={order} stages={stages} onMove={(to) => void move(to)} onClose={() => setDialog('none')} />
      ) : null}
      {dialog === 'promise' ? (
        <PromiseDialog order={order} onChanged={onOrder} onClose={() => setDialog('none')} />
      ) : null}
    </>
  );
}
