import type { Customer } from '@sgp/shared/api/orders';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { Empty } from '@sgp/ui/empty.tsx';
import { formatPhone } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp, useResource } from '../app-context.ts';
import { newId } from '../lib/new-id.ts';
import { addCustomer } from '../logic/conflict.ts';
import { isPhone } from '../logic/order-form.ts';
import { useSavingOff } from '../parts/contact-notice.tsx';
import { Failure } from '../parts/failure.tsx';
import { Field, TextField } from '../parts/field.tsx';
import { Loaded } from '../parts/loaded.tsx';

const ROWS_MAX = 100;
const TYPING_PAUSE_MS = 200;

export function Customers() {
  const { api, t, format } = useApp();
  const { query, route } = useLocation();
  const search = query['q'] ?? '';
  const [text, setText] = useState(search);
  const [editing, setEditing] = useState<Customer | 'new' | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const resource = useResource(
    `customers:${search}`,
    () => api.customers({ q: search, limit: ROWS_MAX }),
    (name) => name === 'order.changed',
  );
  const { customers: words } = t.value.form;
  useEffect(() => {
    document.title = `${words.title} · SGP`;
  }, [words]);
  useEffect(() => setText(search), [search]);
  return (
    <>
      <div class="head">
        <h1>{words.title}</h1>
        <button class="btn primary" type="button" onClick={() => setEditing('new')}>
          <Icon name="mais" />
          {words.new}
        </button>
      </div>
      <div class="input search">
        <Icon name="busca" size="sm" />
        <input
          type="search"
          aria-label={words.search}
          placeholder={words.search}
          value={text}
          onInput={(event) => {
            const next = event.currentTarget.value;
            setText(next);
            clearTimeout(timer.current);
            timer.current = setTimeout(
              () => route(next.trim() ? `/clientes?q=${encodeURIComponent(next.trim())}` : '/clientes', true),
              TYPING_PAUSE_MS,
            );
          }}
        />
      </div>
      <Loaded resource={resource} rows={8}>
        {({ customers }) =>
          customers.length === 0 ? (
            <section class="panel">
              {search === '' ? (
                <Empty icon="clientes" title={words.emptyTitle} text={words.emptyText}>
                  <button class="btn" type="button" onClick={() => setEditing('new')}>
                    {words.new}
                  </button>
                </Empty>
              ) : (
                <Empty icon="busca" title={words.nothing}>
                  <button class="btn" type="button" onClick={() => route('/clientes', true)}>
                    {t.value.orders.clearFilters}
                  </button>
                </Empty>
              )}
            </section>
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
            <section class="table" tabIndex={0} aria-label={words.title}>
              <table>
                <thead>
                  <tr>
                    <th>{words.columns.name}</th>
                    <th>{words.columns.phone}</th>
                    <th class="r wide-cell">{words.columns.open}</th>
                    <th class="wide-cell">{words.columns.since}</th>
                    <th>
                      <span class="sr">{t.value.common.edit}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {customers.map((customer) => (
                    <tr key={customer.customerId}>
                      <td class="cut-cell">
                        <b class="cut">{customer.name}</b>
                      </td>
                      <td class="num">
                        {customer.phone ? (
                          formatPhone(customer.phone)
                        ) : (
                          <span class="faint">{t.value.orders.noPhone}</span>
                        )}
                      </td>
                      <td class="r wide-cell">
                        {customer.openOrders > 0 ? (
                          <a href={`/pedidos?q=${encodeURIComponent(customer.name)}`}>
                            {format.value.number(customer.openOrders, 0)}
                          </a>
                        ) : (
                          <span class="faint">0</span>
                        )}
                      </td>
                      <td class="num muted wide-cell">{format.value.date(customer.createdAt)}</td>
                      <td class="r">
                        <button
                          class="btn small quiet square"
                          type="button"
                          aria-label={`${words.editTitle}: ${customer.name}`}
                          onClick={() => setEditing(customer)}
                        >
                          <Icon name="lapis" size="sm" />
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )
        }
      </Loaded>
      {editing ? (
        <CustomerDialog
          customer={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onSaved={() => void resource.refresh()}
        />
      ) : null}
    </>
  );
}

function CustomerDialog({
  customer,
  onClose,
  onSaved,
}: {
  readonly customer: Customer | null;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const { api, toasts, t } = useApp();
  const { form, common } = t.value;
  const [name, setName] = useState(customer?.name ?? '');
  const [phone, setPhone] = useState(customer?.phone ? formatPhone(customer.phone) : '');
  const [note, setNote] = useState(customer?.note ?? '');
  const [freshId] = useState(newId);
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const savingOff = useSavingOff();
  const nameProblem = name.trim() === '' ? form.customerNameMissing : null;
  const phoneProblem = phone.trim() !== '' && !isPhone(phone) ? form.customerPhoneWrong : null;

  async function save() {
    setAsked(true);
    if (nameProblem || phoneProblem || isBusy) return;
    setBusy(true);
    const body = { name: name.trim(), note: note.trim(), ...(phone.trim() ? { phone: phone.trim() } : {}) };
    try {
      if (customer) await api.changeCustomer(customer.customerId, body);
      else await addCustomer(api, freshId, body);
      toasts.show({ icon: 'ok', text: form.customers.saved });
      onSaved();
      onClose();
    } catch (cause) {
      setFailure(asApiError(cause));
      setBusy(false);
    }
  }

  return (
    <Dialog
      title={customer ? form.customers.editTitle : form.customers.newTitle}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={
        <>
          <button class="btn" type="button" onClick={onClose}>
            {common.cancel} <kbd>Esc</kbd>
          </button>
          <button class="btn primary" type="submit" aria-busy={isBusy} disabled={savingOff}>
            {common.save}
          </button>
        </>
      }
    >
      <TextField
        label={form.customerName}
        value={name}
        onValue={setName}
        error={isAsked ? nameProblem : null}
        input={{ autofocus: true, autocomplete: 'off', maxLength: 120 }}
      />
      <TextField
        label={form.customerPhone}
        hint={form.customerPhoneHint}
        value={phone}
        onValue={setPhone}
        error={isAsked ? phoneProblem : null}
        input={{ type: 'tel', autocomplete: 'off', inputMode: 'tel' }}
      />
      <Field label={form.customers.note}>
        {({ id }) => (
          <textarea
            id={id}
            class="input area"
            rows={2}
            value={note}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        )}
      </Field>
      {failure ? <Failure error={failure} title={common.saveFailed} kept={common.keptOnScreen} /> : null}
    </Dialog>
  );
}
