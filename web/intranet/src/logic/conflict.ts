import type { Customer, Order } from '@sgp/shared/api/orders';
import type { Api, NewCustomer } from '../api.ts';
import { asApiError } from '../api-error.ts';

/** The order as it is, which a refused write brings along; null when the refusal has none. */
export function currentOrder(cause: unknown): Order | null {
  const { code, details } = asApiError(cause);
  return code === 'VERSION_CONFLICT' || code === 'ALREADY_EXISTS' ? ((details['current'] as Order) ?? null) : null;
}

/**
 * Adds the customer of one form, whose id is the form's own. When an earlier try had arrived without its answer and the
 * person went on typing, only this form can have made the customer that is there: what is typed now becomes its correction.
 */
export async function addCustomer(
  api: Pick<Api, 'createCustomer' | 'changeCustomer'>,
  customerId: string,
  content: Omit<NewCustomer, 'customerId'>,
): Promise<Customer> {
  try {
    return await api.createCustomer({ customerId, ...content });
  } catch (cause) {
    const { code, details } = asApiError(cause);
    if (code !== 'ALREADY_EXISTS' || !details['current']) throw cause;
    return api.changeCustomer(customerId, content);
  }
}

/**
 * Writes from the version that the person saw. An order also gets new versions that concern nobody's decision (a photo
 * that finished, a count of a machine): when what the person decided about is still as they saw it, the write is sent
 * again from the newest version, and only a real conflict is told.
 * @param isAsSeen whether the newest order still is, in what this write is about, the one on the screen
 */
export async function writeAsSeen<T>(
  version: number,
  send: (expectedVersion: number) => Promise<T>,
  isAsSeen: (current: Order) => boolean,
): Promise<T> {
  try {
    return await send(version);
  } catch (cause) {
    const current = asApiError(cause).code === 'VERSION_CONFLICT' ? currentOrder(cause) : null;
    if (!current || !isAsSeen(current)) throw cause;
    return send(current.version);
  }
}

/** True when both hold what the form of an order edits. */
export function isSameForm(one: Order, other: Order): boolean {
  const text = ({ items, discountCents, paidCents, note }: Order) =>
    JSON.stringify([
      items.map(({ itemId, description, quantity, unit, unitPriceCents, spec }) => [
        itemId,
        description,
        quantity,
        unit,
        unitPriceCents,
        spec.map(({ label, value }) => [label, value]),
      ]),
      discountCents,
      paidCents,
      note,
    ]);
  return text(one) === text(other);
}
