import type { Order } from '@sgp/shared/api/orders';
import { limits } from '@sgp/shared/limits';
import { parseMoney } from '@sgp/ui/format';
import type { NewOrder } from '../api.ts';
import { msToWallClock, wallClockToMs } from './wall-clock.ts';

/** The form as typed: texts, so that half a number is no error yet. */
export type ItemDraft = {
  readonly key: string;
  readonly itemId: string | null;
  readonly description: string;
  readonly quantity: string;
  readonly unit: string;
  readonly unitPrice: string;
  readonly spec: readonly { readonly label: string; readonly value: string }[];
};
export type OrderDraft = {
  /** Born with the draft, so that saving again after a lost answer is the same order. */
  readonly orderId: string;
  /** The version that the draft started from; 0 for an order that is not there yet. */
  readonly version: number;
  readonly customer: { readonly customerId: string; readonly name: string; readonly phone: string | null } | null;
  readonly items: readonly ItemDraft[];
  /** `YYYY-MM-DD` and `HH:MM`, wall clock of the shop. */
  readonly promisedDay: string;
  readonly promisedTime: string;
  readonly discount: string;
  readonly paid: string;
  readonly note: string;
};

/** Why a field is not right; the screen has the words. `items.0.description` names a place. */
export type FormProblem =
  | 'customerNone'
  | 'descriptionMissing'
  | 'quantityWrong'
  | 'moneyWrong'
  | 'promiseMissing'
  | 'discountTooBig'
  | 'paidTooBig';
export type FormProblems = Readonly<Record<string, FormProblem>>;
export type Totals = {
  readonly subtotalCents: number;
  readonly discountCents: number;
  readonly totalCents: number;
  readonly paidCents: number;
  readonly balanceCents: number;
};

export const emptyItem = (key: string): ItemDraft => ({
  key,
  itemId: null,
  description: '',
  quantity: '1',
  unit: 'un',
  unitPrice: '',
  spec: [],
});

export const emptyDraft = (orderId: string): OrderDraft => ({
  orderId,
  version: 0,
  customer: null,
  items: [emptyItem('1')],
  promisedDay: '',
  promisedTime: '17:00',
  discount: '',
  paid: '',
  note: '',
});

/** A quantity as typed: `120`, `2,5`. Null when it is none. */
export function parseQuantity(text: string): number | null {
  const clean = text.trim().replace(',', '.');
  if (!/^\d{1,7}(\.\d{1,3})?$/.test(clean)) return null;
  const value = Number(clean);
  return value > 0 && value <= 1_000_000 ? value : null;
}

/** Cents of one line, rounded to the cent; null while something is missing. */
export function lineCents(item: Pick<ItemDraft, 'quantity' | 'unitPrice'>): number | null {
  const quantity = parseQuantity(item.quantity);
  const price = item.unitPrice.trim() === '' ? 0 : parseMoney(item.unitPrice);
  return quantity === null || price === null ? null : Math.round(quantity * price);
}

export function totalsOf(draft: Pick<OrderDraft, 'items' | 'discount' | 'paid'>): Totals {
  const subtotalCents = draft.items.reduce((sum, item) => sum + (lineCents(item) ?? 0), 0);
  const discountCents = parseMoney(draft.discount) ?? 0;
  const paidCents = parseMoney(draft.paid) ?? 0;
  const totalCents = Math.max(0, subtotalCents - discountCents);
  return { subtotalCents, discountCents, totalCents, paidCents, balanceCents: Math.max(0, totalCents - paidCents) };
}

/** Every place that keeps the order from being saved. Empty when it can be. */
export function checkDraft(draft: OrderDraft): FormProblems {
  const problems: Record<string, FormProblem> = {};
  if (!draft.customer) problems['customer'] = 'customerNone';
  draft.items.forEach((item, index) => {
    if (item.description.trim() === '') problems[`items.${index}.description`] = 'descriptionMissing';
    if (parseQuantity(item.quantity) === null) problems[`items.${index}.quantity`] = 'quantityWrong';
    if (!isMoney(item.unitPrice)) problems[`items.${index}.unitPrice`] = 'moneyWrong';
  });
  if (!/^\d{4}-\d{2}-\d{2}$/.test(draft.promisedDay) || !/^\d{2}:\d{2}$/.test(draft.promisedTime))
    problems['promised'] = 'promiseMissing';
  if (!isMoney(draft.discount)) problems['discount'] = 'moneyWrong';
  if (!isMoney(draft.paid)) problems['paid'] = 'moneyWrong';
  const totals = totalsOf(draft);
  if (!problems['discount'] && totals.discountCents > totals.subtotalCents) problems['discount'] = 'discountTooBig';
  else if (!problems['paid'] && totals.paidCents > totals.totalCents) problems['paid'] = 'paidTooBig';
  return problems;
}

const isMoney = (text: string) => {
  if (text.trim() === '') return true;
  const cents = parseMoney(text);
  return cents !== null && cents <= limits.moneyMaxCents;
};

/** Empty fields of a sheet say nothing and are not sent. */
const filledSpec = (item: ItemDraft) =>
  item.spec
    .map(({ label, value }) => ({ label: label.trim(), value: value.trim() }))
    .filter(({ label, value }) => label !== '' && value !== '');

/** What is sent, once {@link checkDraft} found nothing. */
export function toNewOrder(draft: OrderDraft, customerId: string, timeZone: string): NewOrder {
  const totals = totalsOf(draft);
  return {
    orderId: draft.orderId,
    customerId,
    promisedAt: wallClockToMs(draft.promisedDay, draft.promisedTime, timeZone),
    discountCents: totals.discountCents,
    paidCents: totals.paidCents,
    note: draft.note.trim(),
    items: draft.items.map((item) => ({
      description: item.description.trim(),
      quantity: parseQuantity(item.quantity) ?? 0,
      unit: item.unit.trim() || 'un',
      unitPriceCents: parseMoney(item.unitPrice) ?? 0,
      spec: filledSpec(item),
    })),
  };
}

/** The form of an order that exists. Numbers are written as the person would type them in pt-BR. */
export function draftOfOrder(order: Order, timeZone: string, moneyPlain: (cents: number) => string): OrderDraft {
  const { day, time } = msToWallClock(order.promisedAt, timeZone);
  return {
    orderId: order.orderId,
    version: order.version,
    customer: order.customer,
    items: order.items.map((item) => ({
      key: item.itemId,
      itemId: item.itemId,
      description: item.description,
      quantity: String(item.quantity).replace('.', ','),
      unit: item.unit,
      unitPrice: moneyPlain(item.unitPriceCents),
      spec: item.spec,
    })),
    promisedDay: day,
    promisedTime: time,
    discount: order.discountCents > 0 ? moneyPlain(order.discountCents) : '',
    paid: order.paidCents > 0 ? moneyPlain(order.paidCents) : '',
    note: order.note,
  };
}

/** Digits of a phone as typed: 10 or 11 with area code, with or without +55. */
export const isPhone = (text: string): boolean => /^(55)?\d{10,11}$/.test(text.replace(/\D/g, ''));
