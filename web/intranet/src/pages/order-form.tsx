import type { Order } from '@sgp/shared/api/orders';
import { Notice } from '@sgp/ui/notice.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { newId } from '../lib/new-id.ts';
import { currentOrder, isSameForm, writeAsSeen } from '../logic/conflict.ts';
import { clearDraft, loadDraft, saveDraft } from '../logic/draft-store.ts';
import { draftOfOrder, emptyDraft, type OrderDraft, toNewOrder } from '../logic/order-form.ts';
import { msToWallClock } from '../logic/wall-clock.ts';
import { Loaded } from '../parts/loaded.tsx';
import { OrderForm } from '../parts/order-fields.tsx';
import { useOrder } from '../parts/use-order.ts';

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
    ...emptyDraft(newId()),
    promisedDay: msToWallClock(now.peek() + PROMISE_DAYS * DAY_MS, zone).day,
  });
  const [kept] = useState(() => loadDraft(prefs, 'new'));
  const [draft, setDraft] = useState<OrderDraft>(() => kept ?? fresh());
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
    const sent = toNewOrder(draft, customer.customerId, zone);
    // Kept before it leaves: if the answer is lost and the tab closes, the next try still carries the same identity.
    saveDraft(prefs, 'new', draft);
    try {
      const order = await api.createOrder(sent);
      clearDraft(prefs, 'new');
      toasts.show({ icon: 'ok', text: form.created(order.number) });
      route(`/pedidos/${order.orderId}`);
    } catch (cause) {
      if (asApiError(cause).code !== 'ALREADY_EXISTS') throw cause;
      // An earlier try had arrived, and the person went on typing: what was typed since becomes an edit, and none of it is lost.
      const there = currentOrder(cause);
      if (there) {
        clearDraft(prefs, 'new');
        saveDraft(prefs, there.orderId, { ...draft, version: there.version });
        toasts.show({ icon: 'historico', text: form.createdBefore(there.number) });
        return route(`/pedidos/${there.orderId}/editar`);
      }
      // For another customer it is another order: the next try carries a name of its own.
      change({ ...draft, orderId: newId() });
      throw cause;
    }
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
          <DraftNotice
            onDiscard={() => {
              clearDraft(prefs, 'new');
              setDraft(fresh());
              setOld(false);
            }}
          />
        ) : null
      }
    />
  );
}

function EditOrder({ orderId }: { readonly orderId: string }) {
  const resource = useOrder(orderId);
  return <Loaded resource={resource}>{(order) => <EditForm order={order} onSaved={resource.set} />}</Loaded>;
}

function EditForm({ order, onSaved }: { readonly order: Order; readonly onSaved: (order: Order) => void }) {
  const { api, prefs, toasts, session, t, format } = useApp();
  const { route } = useLocation();
  const { form } = t.value;
  const zone = session.value?.shop.timeZone ?? 'America/Sao_Paulo';
  const fresh = () => draftOfOrder(order, zone, format.peek().moneyPlain);
  // The form starts from the order as it was opened; news that arrive meanwhile must not overwrite what is typed.
  const [kept] = useState(() => loadDraft(prefs, order.orderId));
  const [draft, setDraft] = useState(() => kept ?? fresh());
  // What the draft started from; nobody has seen it when the draft is older than this visit.
  const [base, setBase] = useState<Order | null>(kept && kept.version !== order.version ? null : order);
  const [isOld, setOld] = useState(kept !== null);
  useEffect(() => {
    document.title = `${form.editTitle(order.number)} · SGP`;
  }, [form, order.number]);
  const change = (next: OrderDraft) => {
    setDraft(next);
    saveDraft(prefs, order.orderId, next);
  };
  async function save() {
    const { items, discountCents, paidCents, note } = toNewOrder(draft, order.customer.customerId, zone);
    const withIds = items.map((item, index) => {
      const itemId = draft.items[index]?.itemId;
      return itemId ? { ...item, itemId } : item;
    });
    try {
      const saved = await writeAsSeen(
        draft.version,
        (expectedVersion) =>
          api.changeOrder(order.orderId, {
            expectedVersion,
            items: withIds,
            ...(discountCents === undefined ? {} : { discountCents }),
            ...(paidCents === undefined ? {} : { paidCents }),
            note: note ?? '',
          }),
        (current) => base !== null && isSameForm(current, base),
      );
      clearDraft(prefs, order.orderId);
      onSaved(saved);
      toasts.show({ icon: 'ok', text: form.saved(order.number) });
      route(`/pedidos/${order.orderId}`);
    } catch (cause) {
      if (asApiError(cause).code === 'VERSION_CONFLICT') {
        // Said once: whoever saves again has read that somebody else was here, and keeps their own version.
        const newest = currentOrder(cause) ?? (await api.order(order.orderId));
        onSaved(newest);
        setBase(newest);
        change({ ...draft, version: newest.version });
      }
      throw cause;
    }
  }
  return (
    <OrderForm
      title={form.editTitle(order.number)}
      draft={draft}
      onDraft={change}
      saveLabel={t.value.common.save}
      backHref={`/pedidos/${order.orderId}`}
      canChangeCustomer={false}
      onSave={save}
      notice={
        isOld ? (
          <DraftNotice
            onDiscard={() => {
              clearDraft(prefs, order.orderId);
              setDraft(fresh());
              setBase(order);
              setOld(false);
            }}
          />
        ) : null
      }
    />
  );
}

/** What the form shows is older than this visit; one press starts anew. */
function DraftNotice({ onDiscard }: { readonly onDiscard: () => void }) {
  const { t } = useApp();
  const { form } = t.value;
  return (
    <Notice
      icon="historico"
      action={
        <button class="btn small" type="button" onClick={onDiscard}>
          {form.draftDiscard}
        </button>
      }
    >
      {form.draftFound}
    </Notice>
  );
}
