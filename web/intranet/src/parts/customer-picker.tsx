import type { Customer } from '@sgp/shared/api/orders';
import { formatPhone } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { newId } from '../lib/new-id.ts';
import { addCustomer } from '../logic/conflict.ts';
import { isPhone } from '../logic/order-form.ts';
import { useSavingOff } from './contact-notice.tsx';
import { Failure } from './failure.tsx';
import { Field, TextField } from './field.tsx';
import { Option } from './option.tsx';

type Chosen = { readonly customerId: string; readonly name: string; readonly phone: string | null };
type CustomerPickerProps = {
  readonly chosen: Chosen | null;
  readonly onChoose: (customer: Chosen | null) => void;
  readonly error: string | null;
};

const PAUSE_MS = 160;

/** One field finds a customer by name or phone; not found → born here with name and phone only. */
export function CustomerPicker({ chosen, onChoose, error }: CustomerPickerProps) {
  const { t } = useApp();
  const { form } = t.value;
  const [newName, setNewName] = useState<string | null>(null);
  if (chosen) {
    return (
      <div class="field">
        <span class="label">{form.customer}</span>
        <div class="input picked">
          <Icon name="usuario" />
          <b class="cut">{chosen.name}</b>
          <span class="muted num wide-only">{chosen.phone ? formatPhone(chosen.phone) : t.value.orders.noPhone}</span>
          <button class="btn small push" type="button" onClick={() => onChoose(null)}>
            {form.customerChange}
          </button>
        </div>
      </div>
    );
  }
  if (newName !== null) {
    return <NewCustomer startName={newName} onCancel={() => setNewName(null)} onCreated={onChoose} />;
  }
  return <CustomerSearch error={error} onChoose={onChoose} onNew={setNewName} />;
}

function CustomerSearch({
  error,
  onChoose,
  onNew,
}: {
  readonly error: string | null;
  readonly onChoose: (customer: Chosen) => void;
  readonly onNew: (name: string) => void;
}) {
  const { api, t } = useApp();
  const { form } = t.value;
  const [text, setText] = useState('');
  const [found, setFound] = useState<readonly Customer[]>([]);
  const [answered, setAnswered] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const query = text.trim();
  useEffect(() => {
    if (query.length < 2) {
      setFound([]);
      setAnswered(null);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      api.customers({ q: query, limit: 6 }, abort.signal).then(
        ({ customers }) => {
          setFound(customers);
          setAnswered(query);
          setAt(0);
        },
        () => setAnswered(query),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [query]);
  const isOpen = answered !== null;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const choose = (index: number) => {
    const customer = found[index];
    if (customer) onChoose(customer);
    else onNew(query);
  };
  return (
    <Field label={form.customer} hint={form.customerHint} error={error}>
      {({ id, describedBy, invalid }) => (
        <div class="combo">
          <div class="input">
            <Icon name="busca" />
            <input
              id={id}
              role="combobox"
              autocomplete="off"
              ref={field}
              aria-expanded={isOpen}
              aria-controls="clientes-achados"
              aria-activedescendant={isOpen ? `cliente-achado-${at}` : undefined}
              aria-describedby={describedBy}
              aria-invalid={invalid || undefined}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (!isOpen) {
                  if (event.key === 'Enter') event.preventDefault();
                  return;
                }
                if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length));
                else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
                else if (event.key === 'Enter') choose(at);
                else if (event.key === 'Escape') setAnswered(null);
                else return;
                event.preventDefault();
              }}
            />
          </div>
          {isOpen ? (
            <div class="list float" id="clientes-achados" role="listbox" aria-label={form.customer}>
              {found.map((customer, index) => (
                <Option
                  key={customer.customerId}
                  id={`cliente-achado-${index}`}
                  isChosen={index === at}
                  onPoint={() => setAt(index)}
                  onChoose={() => choose(index)}
                >
                  <span class="grow cut">{customer.name}</span>
                  <span class="muted t13 num">{customer.phone ? formatPhone(customer.phone) : ''}</span>
                </Option>
              ))}
              <Option
                id={`cliente-achado-${found.length}`}
                isChosen={at === found.length}
                onPoint={() => setAt(found.length)}
                onChoose={() => onNew(query)}
              >
                <Icon name="mais" size="sm" />
                <span class="cut">{form.customerNew(query)}</span>
              </Option>
            </div>
          ) : null}
        </div>
      )}
    </Field>
  );
}

function NewCustomer({
  startName,
  onCancel,
  onCreated,
}: {
  readonly startName: string;
  readonly onCancel: () => void;
  readonly onCreated: (customer: Chosen) => void;
}) {
  const { api, t } = useApp();
  const { form, common } = t.value;
  const looksLikePhone = /\d{4}/.test(startName) && !/\p{L}/u.test(startName);
  const [name, setName] = useState(looksLikePhone ? '' : startName);
  const [phone, setPhone] = useState(looksLikePhone ? startName : '');
  const [customerId] = useState(newId);
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const savingOff = useSavingOff();
  const nameProblem = name.trim() === '' ? form.customerNameMissing : null;
  const phoneProblem = phone.trim() !== '' && !isPhone(phone) ? form.customerPhoneWrong : null;
  async function create() {
    setAsked(true);
    if (nameProblem || phoneProblem || isBusy) return;
    setBusy(true);
    try {
      const content = { name: name.trim(), ...(phone.trim() ? { phone: phone.trim() } : {}) };
      onCreated(await addCustomer(api, customerId, content));
    } catch (cause) {
      setFailure(asApiError(cause));
      setBusy(false);
    }
  }
  // Inside the order's form, Enter must create the customer and not the order.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    void create();
  };
  return (
    <fieldset class="inset stack">
      <legend class="label">{form.customers.newTitle}</legend>
      <div class="two">
        <TextField
          label={form.customerName}
          value={name}
          onValue={setName}
          error={isAsked ? nameProblem : null}
          input={{ autofocus: !looksLikePhone, autocomplete: 'off', maxLength: 120, onKeyDown }}
        />
        <TextField
          label={form.customerPhone}
          hint={form.customerPhoneHint}
          value={phone}
          onValue={setPhone}
          error={isAsked ? phoneProblem : null}
          input={{ type: 'tel', inputMode: 'tel', autocomplete: 'off', onKeyDown }}
        />
      </div>
      {failure ? <Failure error={failure} title={common.saveFailed} kept={common.keptOnScreen} /> : null}
      <div class="line">
        <button class="btn" type="button" aria-busy={isBusy} disabled={savingOff} onClick={() => void create()}>
          <Icon name="ok" />
          {form.customerCreate}
        </button>
        <button class="btn quiet" type="button" onClick={onCancel}>
          {common.cancel}
        </button>
      </div>
    </fieldset>
  );
}
