import { draggable } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import type { OrderSummary } from '@sgp/shared/api/orders';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { dueOf, dueStatus } from '../logic/due.ts';

type BoardCardProps = {
  readonly order: OrderSummary;
  readonly isMoved: boolean;
  readonly onChoose: () => void;
  readonly onMove: () => void;
};

/** Four lines: number and date, customer, item, one fact that matters now. */
export function BoardCard({ order, isMoved, onChoose, onMove }: BoardCardProps) {
  const { t, format, now, contact } = useApp();
  const { orders } = t.value;
  const ref = useRef<HTMLElement>(null);
  const [isLifted, setLifted] = useState(false);
  const { orderId } = order;
  const stageKey = order.stage.key;
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    return draggable({
      element,
      canDrag: () => contact.state.peek() === 'here',
      getInitialData: () => ({ orderId, stageKey }),
      onDragStart: () => setLifted(true),
      onDrop: () => setLifted(false),
    });
  }, [orderId, stageKey]);
  const due = dueStatus(order, now.value, format.value, t.value);
  const isLate = dueOf(order, now.value, format.value.daysUntil).kind === 'late';
  return (
    <article
      ref={ref}
      id={`cartao-${orderId}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the card is walked by J/K and moved by M
      tabIndex={0}
      class={['job', isLate ? 'late' : '', isMoved ? 'moved' : '', isLifted ? 'lift' : ''].filter(Boolean).join(' ')}
      onFocusCapture={onChoose}
      data-order={order.number}
    >
      <header>
        <b>{order.number}</b>
        <span class="push" />
        {due ? (
          <StatusChip {...due} />
        ) : (
          <span class="num t12 muted">{format.value.day(order.promisedAt, now.value)}</span>
        )}
        <button
          class="btn quiet small square"
          type="button"
          aria-label={orders.moveMenu(order.number)}
          onClick={onMove}
        >
          <Icon name="pontos" size="sm" />
        </button>
      </header>
      <h3>
        <a href={`/pedidos/${orderId}`} draggable={false}>
          {order.customer.name}
        </a>
      </h3>
      <p>{order.title}</p>
      <footer>
        <CardFacts order={order} />
      </footer>
    </article>
  );
}

/**
 * The last line: what is owed when it is ready (alone, since an amount is never cut short), pieces and photos while it is
 * made, and that the cloud does not know this version yet.
 */
function CardFacts({ order }: { readonly order: OrderSummary }) {
  const { t, format, sync } = useApp();
  const { orders } = t.value;
  const balance = order.totalCents - order.paidCents;
  const waits = !order.synced && sync.value?.state === 'offline';
  return (
    <>
      {order.status === 'ready' && balance > 0 ? (
        <StatusChip tone="none" icon="dinheiro" text={orders.balanceDue(format.value.money(balance))} bare />
      ) : (
        <>
          <span class="num">{t.value.common.pieces(order.quantity, format.value.number(order.quantity))}</span>
          {order.photoCount > 0 ? (
            <StatusChip tone="none" icon="camera" text={format.value.number(order.photoCount, 0)} bare />
          ) : null}
        </>
      )}
      {waits ? (
        <span class="push" title={orders.notSynced}>
          <Icon name="nuvem-fora" size="sm" />
          <span class="sr">{orders.notSynced}</span>
        </span>
      ) : null}
    </>
  );
}
