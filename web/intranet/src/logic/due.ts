import type { OrderSummary } from '@sgp/shared/api/orders';
import type { OrderStatus } from '@sgp/shared/order-snapshot';
import type { Formatters } from '@sgp/ui/format';
import type { Status } from '@sgp/ui/status';
import type { Dictionary } from '../messages/dictionary.ts';

export const isOpen = (status: OrderStatus): boolean => status !== 'delivered' && status !== 'cancelled';

export type Due =
  | { readonly kind: 'closed' }
  /** `days` since the promised calendar day; 0 when it was due earlier today. */
  | { readonly kind: 'late'; readonly days: number }
  | { readonly kind: 'today' }
  | { readonly kind: 'later'; readonly days: number }
  /** The shop did its part: it waits for its customer. */
  | { readonly kind: 'ready' };

/**
 * How an order stands against its promise. An order that is ready is neither late nor due: it waits for its customer.
 * Days are calendar days of the shop's zone, as people count them.
 */
export function dueOf(
  order: Pick<OrderSummary, 'promisedAt' | 'status'>,
  now: number,
  daysUntil: Formatters['daysUntil'],
): Due {
  if (!isOpen(order.status)) return { kind: 'closed' };
  if (order.status === 'ready') return { kind: 'ready' };
  const days = daysUntil(order.promisedAt, now);
  if (order.promisedAt < now) return { kind: 'late', days: Math.max(0, -days) };
  if (days <= 0) return { kind: 'today' };
  return { kind: 'later', days };
}

/** The chip of a date: colour only when a person must look. Null when plain text will do. */
export function dueStatus(
  order: Pick<OrderSummary, 'promisedAt' | 'status'>,
  now: number,
  format: Formatters,
  t: Dictionary,
): Status | null {
  const due = dueOf(order, now, format.daysUntil);
  switch (due.kind) {
    case 'late':
      return {
        tone: 'bad',
        icon: 'atraso',
        text: due.days > 0 ? t.common.days(due.days) : t.orders.lateHours(format.duration(now - order.promisedAt)),
      };
    case 'today':
      return { tone: 'warn', icon: 'relogio', text: format.time(order.promisedAt) };
    default:
      return null;
  }
}

const ORDER_TONES: Readonly<Record<OrderStatus, Omit<Status, 'text'>>> = {
  received: { tone: 'none', icon: 'espera' },
  approved: { tone: 'none', icon: 'ok' },
  in_production: { tone: 'run', icon: 'andamento' },
  ready: { tone: 'ok', icon: 'ok' },
  delivered: { tone: 'ok', icon: 'entrega' },
  cancelled: { tone: 'none', icon: 'bloqueio' },
};

/** Status and stage in one chip: `Em produção · Bordado`; the stage alone when both say the same. */
export function orderStatus(
  order: Pick<OrderSummary, 'status' | 'stage'>,
  names: Readonly<Record<OrderStatus, string>>,
): Status {
  const name = names[order.status];
  const same = !isOpen(order.status) || order.stage.label.toLowerCase() === name.toLowerCase();
  return { ...ORDER_TONES[order.status], text: same ? name : `${name} · ${order.stage.label}` };
}
