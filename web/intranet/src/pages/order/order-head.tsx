import type { Order, Stage } from '@sgp/shared/api/orders';
import { formatPhone } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useApp } from '../../app-context.ts';
import { nextTarget } from '../../logic/board.ts';
import { dueOf, isOpen, orderStatus } from '../../logic/due.ts';
import { whatsappUrl } from '../../logic/whatsapp.ts';
import { useSavingOff } from '../../parts/contact-notice.tsx';

type OrderHeadProps = {
  readonly order: Order;
  readonly stages: readonly Stage[];
  readonly isBusy: boolean;
  readonly onMove: (to: string) => void;
  readonly onMoveDialog: () => void;
  readonly onPromise: () => void;
};

export function OrderHead({ order, stages, isBusy, onMove, onMoveDialog, onPromise }: OrderHeadProps) {
  const { t, words } = useApp();
  const { orders } = t.value;
  const names = { delivered: orders.moveDelivered, cancelled: orders.moveCancelled };
  const next = nextTarget(stages, order, names);
  const savingOff = useSavingOff();
  const { phone } = order.customer;
  const greeting = orders.whatsappText(
    order.customer.name.split(' ')[0] ?? '',
    order.number,
    words.value.orderStatus[order.status],
    order.link?.url ?? '',
  );
  return (
    <header class="order-head">
      <div class="order-id">
        <div class="line wrap">
          <h1>
            <span class="muted num">{order.number}</span> {order.customer.name}
          </h1>
          <StatusChip {...orderStatus(order, words.value.orderStatus)} />
        </div>
      </div>
      <div class="order-actions">
        <button class="btn square" type="button" aria-label={orders.moveMenu(order.number)} onClick={onMoveDialog}>
          <Icon name="pontos" />
        </button>
        {isOpen(order.status) ? (
          <a class="btn" href={`/pedidos/${order.orderId}/editar`}>
            <Icon name="lapis" />
            {t.value.common.edit}
          </a>
        ) : null}
        {phone ? (
          <a class="btn" href={whatsappUrl(phone, greeting)} target="_blank" rel="noreferrer">
            <Icon name="whats" />
            {orders.whatsapp}
          </a>
        ) : null}
        {next ? (
          <button
            class="btn primary"
            type="button"
            aria-busy={isBusy}
            disabled={savingOff}
            onClick={() => onMove(next.to)}
          >
            <Icon name={next.kind === 'delivered' ? 'entrega' : 'mover'} />
            {next.kind === 'delivered' ? orders.deliver : orders.moveTo(next.label)} <kbd>M</kbd>
          </button>
        ) : (
          <button class="btn primary" type="button" onClick={onMoveDialog} disabled={savingOff}>
            <Icon name="desfazer" />
            {orders.reopen}
          </button>
        )}
      </div>
      <Facts order={order} onPromise={onPromise} />
      <Ruler order={order} stages={stages} />
    </header>
  );
}

function Facts({ order, onPromise }: { readonly order: Order; readonly onPromise: () => void }) {
  const { t, format, now } = useApp();
  const { orders, common } = t.value;
  const due = dueOf(order, now.value, format.value.daysUntil);
  const dueText =
    due.kind === 'late'
      ? orders.isLate(format.value.ago(order.promisedAt, now.value))
      : due.kind === 'later'
        ? orders.onTimeDays(common.days(due.days))
        : due.kind === 'today'
          ? orders.onTime
          : due.kind === 'ready' && order.dates.readyAt
            ? orders.readyOn(format.value.day(order.dates.readyAt, now.value))
            : order.dates.deliveredAt
              ? orders.deliveredOn(format.value.day(order.dates.deliveredAt, now.value))
              : '';
  const balance = Math.max(0, order.totalCents - order.paidCents);
  const savingOff = useSavingOff();
  return (
    <dl class="order-facts">
      <div>
        <dt>{orders.promised}</dt>
        <dd>
          <span class="line fact-line">
            <b>{format.value.dayTime(order.promisedAt, now.value)}</b>
            {due.kind === 'closed' ? null : (
              <button
                class="btn quiet small square tiny"
                type="button"
                aria-label={orders.changeDate}
                disabled={savingOff}
                onClick={onPromise}
              >
                <Icon name="lapis" size="sm" />
              </button>
            )}
          </span>
          <small class={due.kind === 'late' ? 'bad-text' : undefined}>{dueText}</small>
        </dd>
      </div>
      <div>
        <dt>{orders.customer}</dt>
        <dd>
          <b>{order.customer.name}</b>
          <small>{order.customer.phone ? formatPhone(order.customer.phone) : orders.noPhone}</small>
        </dd>
      </div>
      <div>
        <dt>{orders.total}</dt>
        <dd>
          <b class="num">{format.value.money(order.totalCents)}</b>
          <small>
            {order.discountCents > 0
              ? orders.discount(format.value.money(order.discountCents))
              : common.pieces(order.quantity, format.value.number(order.quantity))}
          </small>
        </dd>
      </div>
      <div>
        <dt>{orders.depositAndBalance}</dt>
        <dd>
          <b class="num">{balance > 0 ? orders.toReceive(format.value.money(balance)) : orders.paid}</b>
          <small>{order.paidCents > 0 ? orders.deposit(format.value.money(order.paidCents)) : orders.noDeposit}</small>
        </dd>
      </div>
    </dl>
  );
}

/** The product's mark: solid is done, marked is now. The mark fills with the pieces that machines counted. */
function Ruler({ order, stages }: { readonly order: Order; readonly stages: readonly Stage[] }) {
  const { t, format } = useApp();
  const { orders } = t.value;
  const at = order.status === 'delivered' ? stages.length : stages.findIndex(({ key }) => key === order.stage.key);
  const good = order.items.reduce((sum, { produced }) => sum + produced.good, 0);
  const shownGood = Math.min(good, order.quantity);
  const reached = (key: string) => order.timeline.findLast(({ stage }) => stage.key === key)?.at;
  if (stages.length === 0 || order.status === 'cancelled') return null;
  return (
    <ol class="ruler" aria-label={orders.stages}>
      {stages.map(({ key, label }, index) => {
        if (index === at) {
          const counted =
            good > 0 ? `, ${orders.producedOf(format.value.number(good, 0), format.value.number(order.quantity))}` : '';
          return (
            <li key={key} class="now" aria-current="step">
              <progress
                max={Math.max(1, order.quantity)}
                value={good > 0 ? shownGood : order.quantity / 2}
                aria-label={label + counted}
              />
              <span>
                {label}
                {counted}
              </span>
            </li>
          );
        }
        const when = reached(key);
        return (
          <li key={key} class={index < at ? 'done' : undefined}>
            <span class="line">
              {index < at ? <Icon name="ok" size="sm" /> : null}
              <span>
                {label}
                {index < at && when ? <small class="faint wide-only">{` ${format.value.day(when)}`}</small> : null}
              </span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
