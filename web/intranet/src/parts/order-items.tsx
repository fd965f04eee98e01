import { Icon } from '@sgp/ui/icon.tsx';
import { useRef } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { emptyItem, type FormProblems, type ItemDraft, lineCents } from '../logic/order-form.ts';
import { TextField } from './field.tsx';

type OrderItemsProps = {
  readonly items: readonly ItemDraft[];
  readonly problemOf: (place: string) => string | null;
  readonly onItems: (items: readonly ItemDraft[]) => void;
};

/** The items with their sheets. A new item begins with the unit of the one above: most orders have one. */
export function OrderItems({ items, problemOf, onItems }: OrderItemsProps) {
  const { t } = useApp();
  const { form } = t.value;
  const replace = (index: number, item: ItemDraft) =>
    onItems(items.map((other, position) => (position === index ? item : other)));
  return (
    <section class="panel">
      <header>
        <h2>{form.items}</h2>
        <button
          class="btn small push"
          type="button"
          onClick={() =>
            onItems([
              ...items,
              {
                ...emptyItem(String(Math.max(0, ...items.map(({ key }) => Number(key) || 0)) + 1 + items.length)),
                unit: items.at(-1)?.unit ?? 'un',
              },
            ])
          }
        >
          <Icon name="mais" size="sm" />
          {form.addItem}
        </button>
      </header>
      <div class="item-list">
        {items.map((item, index) => (
          <ItemFields
            key={item.key}
            item={item}
            index={index}
            problemOf={problemOf}
            onItem={(next) => replace(index, next)}
            onRemove={items.length > 1 ? () => onItems(items.filter((_, position) => position !== index)) : null}
          />
        ))}
      </div>
    </section>
  );
}

type ItemFieldsProps = {
  readonly item: ItemDraft;
  readonly index: number;
  readonly problemOf: (place: string) => string | null;
  readonly onItem: (item: ItemDraft) => void;
  readonly onRemove: (() => void) | null;
};

function ItemFields({ item, index, problemOf, onItem, onRemove }: ItemFieldsProps) {
  const { t, format } = useApp();
  const { form } = t.value;
  const cents = lineCents(item);
  const place = `items.${index}`;
  return (
    <fieldset class="item">
      <legend class="sr">{form.item(index + 1)}</legend>
      <div class="item-grid">
        <TextField
          label={form.description}
          value={item.description}
          error={problemOf(`${place}.description`)}
          onValue={(description) => onItem({ ...item, description })}
          input={{ placeholder: form.descriptionHint, maxLength: 2000 }}
        />
        <TextField
          label={form.quantity}
          value={item.quantity}
          error={problemOf(`${place}.quantity`)}
          onValue={(quantity) => onItem({ ...item, quantity })}
          input={{ inputMode: 'decimal', class: 'right' }}
        />
        <TextField
          label={form.unit}
          value={item.unit}
          onValue={(unit) => onItem({ ...item, unit })}
          input={{ maxLength: 16 }}
        />
        <TextField
          label={form.unitPrice}
          value={item.unitPrice}
          error={problemOf(`${place}.unitPrice`)}
          onValue={(unitPrice) => onItem({ ...item, unitPrice })}
          input={{ inputMode: 'decimal', placeholder: '0,00', class: 'right' }}
        />
        <div class="field line-total">
          <span class="label">{form.lineTotal}</span>
          <b class="num">{cents === null ? '—' : format.value.money(cents)}</b>
        </div>
        {onRemove ? (
          <button
            class="btn quiet square item-remove"
            type="button"
            aria-label={form.removeItem(index + 1)}
            onClick={onRemove}
          >
            <Icon name="fechar" />
          </button>
        ) : null}
      </div>
      <SpecFields item={item} onItem={onItem} />
    </fieldset>
  );
}

function SpecFields({ item, onItem }: { readonly item: ItemDraft; readonly onItem: (item: ItemDraft) => void }) {
  const { t } = useApp();
  const { form } = t.value;
  const suggestions = form.specSuggestions
    .split(', ')
    .filter((label) => !item.spec.some((field) => field.label === label));
  const born = useRef<number | null>(null);
  const add = (label: string) => {
    born.current = item.spec.length;
    onItem({ ...item, spec: [...item.spec, { label, value: '' }] });
  };
  /** The person goes on typing in the field that was just added: its name when it has none, else its value. */
  const takeFocus = (index: number) => (input: HTMLInputElement | null) => {
    if (input === null || born.current !== index) return;
    born.current = null;
    input.focus();
  };
  const change = (index: number, field: { label: string; value: string }) =>
    onItem({ ...item, spec: item.spec.map((other, position) => (position === index ? field : other)) });
  return (
    <div class="stack tight">
      {item.spec.map((field, index) => (
        <div class="spec-row" key={index}>
          <input
            class="input"
            aria-label={form.specLabel}
            placeholder={form.specLabel}
            ref={field.label === '' ? takeFocus(index) : null}
            value={field.label}
            maxLength={120}
            onInput={(event) => change(index, { ...field, label: event.currentTarget.value })}
          />
          <input
            class="input"
            aria-label={field.label || form.specValue}
            value={field.value}
            maxLength={2000}
            ref={field.label === '' ? null : takeFocus(index)}
            onInput={(event) => change(index, { ...field, value: event.currentTarget.value })}
          />
          <button
            class="btn quiet square"
            type="button"
            aria-label={form.specRemove(field.label)}
            onClick={() => onItem({ ...item, spec: item.spec.filter((_, position) => position !== index) })}
          >
            <Icon name="fechar" size="sm" />
          </button>
        </div>
      ))}
      <div class="line wrap">
        <span class="t13 muted">{form.spec}</span>
        {suggestions.map((label) => (
          <button key={label} class="chip" type="button" onClick={() => add(label)}>
            <Icon name="mais" size="sm" />
            {label}
          </button>
        ))}
        <button class="chip" type="button" onClick={() => add('')}>
          <Icon name="mais" size="sm" />
          {form.specAdd}
        </button>
      </div>
    </div>
  );
}

/** The words of a problem at a place, once the person asked to save. */
export function problemWords(
  problems: FormProblems,
  isAsked: boolean,
  words: Readonly<Record<string, unknown>>,
): (place: string) => string | null {
  return (place) => {
    const problem = isAsked ? problems[place] : undefined;
    const text = problem === undefined ? null : words[problem];
    return typeof text === 'string' ? text : null;
  };
}
