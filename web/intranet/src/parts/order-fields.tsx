import { Icon } from '@sgp/ui/icon.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { checkDraft, type OrderDraft, totalsOf } from '../logic/order-form.ts';
import { msToWallClock } from '../logic/wall-clock.ts';
import { useSavingOff } from './contact-notice.tsx';
import { CustomerPicker } from './customer-picker.tsx';
import { Failure } from './failure.tsx';
import { Field, TextField } from './field.tsx';
import { OrderItems, problemWords } from './order-items.tsx';

type OrderFormProps = {
  readonly title: string;
  readonly draft: OrderDraft;
  readonly onDraft: (draft: OrderDraft) => void;
  readonly saveLabel: string;
  readonly backHref: string;
  /** An order keeps its customer and changes its promise with a reason: both have their own acts on its page. */
  readonly canChangeCustomer: boolean;
  readonly onSave: () => Promise<void>;
  readonly notice: ComponentChildren;
};

/** Customer, items, promise and money, with what is wrong shown at its place once the person asked to save. */
export function OrderForm({
  title,
  draft,
  onDraft,
  saveLabel,
  backHref,
  canChangeCustomer,
  onSave,
  notice,
}: OrderFormProps) {
  const { t, format, now, session } = useApp();
  const { form, common } = t.value;
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const savingOff = useSavingOff();
  const problems = checkDraft(draft);
  const problemOf = problemWords(problems, isAsked, form);
  const totals = totalsOf(draft);
  const zone = session.value?.shop.timeZone ?? 'America/Sao_Paulo';
  const isPast = draft.promisedDay !== '' && draft.promisedDay < msToWallClock(now.value, zone).day;

  async function submit() {
    setAsked(true);
    if (isBusy) return;
    if (Object.keys(problems).length > 0) {
      // The errors are drawn by the next render; the first of them is where the person goes on.
      requestAnimationFrame(() => document.querySelector<HTMLElement>('.order-form [aria-invalid="true"]')?.focus());
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      await onSave();
    } catch (cause) {
      setFailure(asApiError(cause));
      setBusy(false);
    }
  }

  return (
    <form
      class="order-form stack wide"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void submit();
      }}
    >
      <div class="head">
        <div>
          <p class="t13">
            <a href="/pedidos">{t.value.orders.title}</a>
          </p>
          <h1>{title}</h1>
        </div>
        <a class="btn" href={backHref}>
          {common.cancel}
        </a>
        <button class="btn primary" type="submit" aria-busy={isBusy} disabled={savingOff}>
          {saveLabel} <kbd>Ctrl ↵</kbd>
        </button>
      </div>
      {notice}
      {failure ? (
        failure.code === 'VERSION_CONFLICT' ? (
          <Notice tone="warn" icon="troca" title={form.conflict}>
            {form.conflictText} <span class="muted code">{failure.code}</span>
          </Notice>
        ) : (
          <Failure error={failure} title={common.saveFailed} kept={common.keptOnScreen} />
        )
      ) : null}
      <div class="order">
        <div class="stack">
          {canChangeCustomer ? (
            <section class="panel">
              <div class="in">
                <CustomerPicker
                  chosen={draft.customer}
                  error={problemOf('customer')}
                  onChoose={(customer) => onDraft({ ...draft, customer })}
                />
              </div>
            </section>
          ) : null}
          <OrderItems items={draft.items} problemOf={problemOf} onItems={(items) => onDraft({ ...draft, items })} />
        </div>
        <div class="stack">
          {canChangeCustomer ? (
            <section class="panel">
              <header>
                <h2>{form.promise}</h2>
              </header>
              <div class="in stack tight">
                <div class="two">
                  <TextField
                    label={form.promiseDay}
                    value={draft.promisedDay}
                    error={problemOf('promised')}
                    onValue={(promisedDay) => onDraft({ ...draft, promisedDay })}
                    input={{ type: 'date' }}
                  />
                  <TextField
                    label={form.promiseTime}
                    value={draft.promisedTime}
                    onValue={(promisedTime) => onDraft({ ...draft, promisedTime })}
                    input={{ type: 'time' }}
                  />
                </div>
                {isPast ? (
                  <p class="line t13 warn-text">
                    <Icon name="relogio" size="sm" />
                    {form.promisePast}
                  </p>
                ) : null}
              </div>
            </section>
          ) : null}
          <section class="panel">
            <header>
              <h2>{form.money}</h2>
            </header>
            <div class="in stack">
              <div class="two">
                <TextField
                  label={form.discount}
                  value={draft.discount}
                  error={problemOf('discount')}
                  onValue={(discount) => onDraft({ ...draft, discount })}
                  input={{ inputMode: 'decimal', placeholder: '0,00', class: 'right' }}
                />
                <TextField
                  label={form.deposit}
                  value={draft.paid}
                  error={problemOf('paid')}
                  onValue={(paid) => onDraft({ ...draft, paid })}
                  input={{ inputMode: 'decimal', placeholder: '0,00', class: 'right' }}
                />
              </div>
              <dl class="facts sum">
                <dt>{form.subtotal}</dt>
                <dd class="num">{format.value.money(totals.subtotalCents)}</dd>
                {totals.discountCents > 0 ? (
                  <>
                    <dt>{form.discount}</dt>
                    <dd class="num">{format.value.money(-totals.discountCents)}</dd>
                  </>
                ) : null}
                <dt>
                  <b>{form.total}</b>
                </dt>
                <dd class="num t20">
                  <b>{format.value.money(totals.totalCents)}</b>
                </dd>
                <dt>{form.balance}</dt>
                <dd class="num">{format.value.money(totals.balanceCents)}</dd>
              </dl>
              <Field label={form.note} hint={form.noteHint}>
                {({ id, describedBy }) => (
                  <textarea
                    id={id}
                    class="input area"
                    rows={3}
                    maxLength={2000}
                    aria-describedby={describedBy}
                    value={draft.note}
                    onInput={(event) => onDraft({ ...draft, note: event.currentTarget.value })}
                  />
                )}
              </Field>
            </div>
          </section>
        </div>
      </div>
    </form>
  );
}
