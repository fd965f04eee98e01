import type { Order } from '@sgp/shared/api/orders';
import { Notice } from '@sgp/ui/notice.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { useApp, useResource } from '../app-context.ts';
import { clearDraft, loadDraft, saveDraft } from '../logic/draft-store.ts';
import { draftOfOrder, emptyDraft, msToWallClock, type OrderDraft, toNewOrder } from '../logic/order-form.ts';
import { Loaded } from '../parts/loaded.tsx';
import { OrderForm } from '../parts/order-fields.tsx';

const PROMISE_DAYS = 5;
const DAY_MS = 86_400_000;

/** A new order, or an order that exists, by the same form. */
export function OrderFormPage() {
  const { params } = useRoute();
  const id = params['id'];
  return id ? <EditOrder key={id} orderId={id} /> : <NewOrder />;
}

function NewOrder() {
  const { api, prefs, toasts, session, t, now } = useApp();
  const { route } = useLocation();
  const { form } = t.value;
  const zone = session.value?.shop.timeZone ?? 'America/Sao_Paulo';
  const fresh = (): OrderDraft => ({
    ...emptyDraft(),
    promisedDay: msToWallClock(now.peek() + PROMISE_DAYS * DAY_MS, zone).day,
  });
  const [kept] = useState(() => loadDraft(prefs, 'new'));
  const [draft, setDraft] = useState<OrderDraft>(kept ?? fresh());
  const [isOld, setOld] = useState(kept !== null);
  useEffect(() => {
    document.title = `${form.title} · SGP`;
  }, [form]);
  const change = (next: OrderDraft) => {
    setDraft(next);
    saveDraft(prefs, 'new', next);
  };
  async function save() {
    const { customer } = draft;
    if (!customer) return;
    const order = await api.createOrder(toNewOrder(draft, customer.customerId, zone));
    clearDraft(prefs, 'new');
    toasts.show({ icon: 'ok', text: form.created(order.number) });
    route(`/pedidos/${order.orderId}`);
  }
  return (
    <OrderForm
      title={form.title}
      draft={draft}
      onDraft={change}
      saveLabel={form.create}
      backHref="/pedidos"
      canChangeCustomer
      onSave={save}
      notice={
        isOld ? (
          <Notice
            icon="historico"
            action={
              <button
                class="btn small"
                type="button"
                onClick={() => {
                  clearDraft(prefs, 'new');
                  setDraft(fresh());
                  setOld(false);
                }}
              >
                {form.draftDiscard}
              </button>
            }
          >
            {form.draftFound}
          </Notice>
        ) : null
      }
    />
  );
}

function EditOrder({ orderId }: { readonly orderId: string }) {
  const { api } = useApp();
  const resource = useResource<Order>(`order:${orderId}`, () => api.order(orderId));
  return <Loaded resource={resource}>{(order) => <EditForm order={order} onSaved={resource.set} />}</Loaded>;
}

function EditForm({ order, onSaved }: { readonly order: Order; readonly onSaved: (order: Order) => void }) {
  const { api, prefs, toasts, session, t, format } = useApp();
  const { route } = useLocation();
  const { form } = t.value;
  const zone = session.value?.shop.timeZone ?? 'America/Sao_Paulo';
  // The form starts from the order as it was opened; news that arrive meanwhile must not overwrite what is typed.
  const [draft, setDraft] = useState(
    () => loadDraft(prefs, order.orderId) ?? draftOfOrder(order, zone, format.peek().moneyPlain),
  );
  useEffect(() => {
    document.title = `${form.editTitle(order.number)} · SGP`;
  }, [form, order.number]);
  async function save() {
    const { items, discountCents, paidCents, note } = toNewOrder(draft, order.customer.customerId, zone);
    const withIds = items.map((item, index) => {
      const itemId = draft.items[index]?.itemId;
      return itemId ? { ...item, itemId } : item;
    });
    const saved = await api.changeOrder(order.orderId, {
      expectedVersion: order.version,
      items: withIds,
      ...(discountCents === undefined ? {} : { discountCents }),
      ...(paidCents === undefined ? {} : { paidCents }),
      note: note ?? '',
    });
    clearDraft(prefs, order.orderId);
    onSaved(saved);
    toasts.show({ icon: 'ok', text: form.saved(order.number) });
    route(`/pedidos/${order.orderId}`);
  }
  return (
    <OrderForm
      title={form.editTitle(order.number)}
      draft={draft}
      onDraft={(next) => {
        setDraft(next);
        saveDraft(prefs, order.orderId, next);
      }}
      saveLabel={t.value.common.save}
      backHref={`/pedidos/${order.orderId}`}
      canChangeCustomer={false}
      onSave={save}
      notice={null}
    />
  );
}
