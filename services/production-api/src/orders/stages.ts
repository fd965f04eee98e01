import type { Stage } from '@sgp/shared/api/orders';
import type { OrderStatus } from '@sgp/shared/order-snapshot';

/** Stages of a new shop: the board's columns, in order. The labels are the shop's to change; keys and statuses are fixed. */
export const defaultStages: readonly Stage[] = [
  { key: 'recebido', label: 'Recebido', status: 'received' },
  { key: 'aprovado', label: 'Aprovado', status: 'approved' },
  { key: 'producao', label: 'Em produção', status: 'in_production' },
  { key: 'acabamento', label: 'Acabamento', status: 'in_production' },
  { key: 'pronto', label: 'Pronto para retirar', status: 'ready' },
];

/** Where an order goes when it leaves the board; their keys are what `POST /api/orders/:id/move` takes. */
export const endStages = {
  delivered: { key: 'delivered', label: 'Entregue', status: 'delivered' },
  cancelled: { key: 'cancelled', label: 'Cancelado', status: 'cancelled' },
} as const satisfies Record<'delivered' | 'cancelled', Stage>;

const everywhere = ['received', 'approved', 'in_production', 'ready', 'cancelled'] as const;

/**
 * What each status can become. While an order is open it goes forward and back as the shop works; it is handed over only
 * when it is ready; delivered and cancelled are final. Within one status an order may change stage.
 */
export const transitions = {
  received: everywhere,
  approved: everywhere,
  in_production: everywhere,
  ready: [...everywhere, 'delivered'],
  delivered: [],
  cancelled: [],
} as const satisfies Record<OrderStatus, readonly OrderStatus[]>;

export const canMove = (from: OrderStatus, to: OrderStatus): boolean =>
  (transitions[from] as readonly OrderStatus[]).includes(to);

export const openStatuses = [
  'received',
  'approved',
  'in_production',
  'ready',
] as const satisfies readonly OrderStatus[];
/** Not ready yet: past its date, such an order is late. */
export const unfinishedStatuses = ['received', 'approved', 'in_production'] as const satisfies readonly OrderStatus[];
export const isOpen = (status: OrderStatus): boolean => (openStatuses as readonly OrderStatus[]).includes(status);
